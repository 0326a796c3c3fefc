# Golden values from R: Rscript generate.R writes r.json beside this script. See readme.md.
suppressPackageStartupMessages({
  library(nnet)
  library(VGAM)
  library(MASS)
  library(sandwich)
  library(car)
  library(jsonlite)
})
options(digits = 17, contrasts = c("contr.treatment", "contr.poly"))

packages <- c("nnet", "VGAM", "MASS", "sandwich", "car", "jsonlite")
golden <- list(versions = c(
  list(R = as.character(getRversion())),
  sapply(packages, function(name) as.character(packageVersion(name)), simplify = FALSE)
))

hsb2 <- read.csv("data/hsb2.csv")
hsb2$prog <- factor(hsb2$prog, c("academic", "general", "vocational"))
hsb2$middle <- as.numeric(hsb2$ses == "middle")
hsb2$high <- as.numeric(hsb2$ses == "high")
housing <- read.csv("data/housing.csv")
for (name in c("Sat", "Infl", "Cont")) {
  levels <- list(Sat = c("Low", "Medium", "High"), Infl = c("Low", "Medium", "High"), Cont = c("Low", "High"))[[name]]
  housing[[name]] <- factor(housing[[name]], levels)
}
housing$Type <- factor(housing$Type, c("Tower", "Apartment", "Atrium", "Terrace"))
counts <- reshape(housing, idvar = c("Infl", "Type", "Cont"), timevar = "Sat", direction = "wide")
table24 <- as.matrix(counts[, c("Freq.Low", "Freq.Medium", "Freq.High")])
colnames(table24) <- c("Low", "Medium", "High")

n <- nrow(hsb2)
index <- seq_len(n) - 1
inputs <- list(
  offset = cbind(0, (hsb2$write - 50) / 20, 0.3 * (index %% 3 - 1)),
  frequency = 1 + index %% 3,
  sampling = 0.5 + (index %% 4) / 2,
  clusters = index %/% 8,
  clusters2 = index %% 13
)
golden$inputs <- inputs

# Newton's method; once more from its result, because VGAM's covariance is that of the iterate before the last.
# The second fit starts where no step improves the deviance any more, and warns of it.
multinomial_fit <- function(formula, ...) {  # do.call: vglm evaluates its arguments in the data
  arguments <- list(formula, quote(multinomial(refLevel = 1)), epsilon = 1e-9, ...)
  suppressWarnings(do.call("vglm", c(arguments, list(coefstart = coef(do.call("vglm", arguments))))))
}

# Equations are rows; the covariance is ordered equation by equation, not term by term as in VGAM.
multinomial_values <- function(fit) {
  estimate <- t(coef(fit, matrix = TRUE))
  dimnames(estimate) <- NULL
  order <- as.vector(t(matrix(seq_along(estimate), nrow(estimate))))
  covariance <- unname(vcov(fit))[order, order]
  list(
    estimate = estimate,
    covariance = covariance,
    log_likelihood = logLik(fit, summation = TRUE)[[1]],
    deviance = deviance(fit)
  )
}

tall <- multinomial_fit(prog ~ middle + high + write, data = hsb2)
golden$hsb2 <- multinomial_values(tall)
golden$hsb2_eta_se <- unname(predict(tall, se.fit = TRUE)$se.fit)[1:5, ]

loose <- multinom(prog ~ middle + high + write, hsb2, reltol = 1e-15, abstol = 0, maxit = 10000, trace = FALSE, Hess = TRUE)
golden$hsb2_nnet <- list(
  estimate = unname(coef(loose)), std_error = unname(summary(loose)$standard.errors), deviance = deviance(loose)
)

grouped <- multinomial_fit(table24 ~ Infl + Type + Cont, data = counts)
golden$counts <- multinomial_values(grouped)
golden$counts$log_likelihood <- NULL  # VGAM includes the multinomial coefficient
golden$counts$y <- unname(table24)
golden$counts$X <- unname(model.matrix(~ Infl + Type + Cont, counts)[, -1])
golden$counts$degrees <- df.residual(grouped)
golden$counts$pearson <- sum(unname(residuals(grouped, "pearson"))^2)
golden$counts$null_deviance <- deviance(multinomial_fit(table24 ~ 1))
nnet_grouped <- multinom(
  table24 ~ Infl + Type + Cont, counts, reltol = 1e-15, abstol = 0, maxit = 10000, trace = FALSE
)
golden$counts$nnet_estimate <- unname(coef(nnet_grouped))
type2 <- Anova(multinom(
  Sat ~ Infl + Type + Cont, housing, weights = Freq, reltol = 1e-15, abstol = 0, maxit = 10000, trace = FALSE
))
golden$counts$anova <- list(statistic = type2[["LR Chisq"]], df = type2[["Df"]], p_value = type2[["Pr(>Chisq)"]])

with_offset <- multinomial_fit(prog ~ middle + high + write, data = hsb2, offset = inputs$offset[, -1])
golden$offset <- multinomial_values(with_offset)
golden$offset$null_log_likelihood <- logLik(
  multinomial_fit(prog ~ 1, data = hsb2, offset = inputs$offset[, -1])
)[[1]]

golden$no_intercept <- multinomial_values(multinomial_fit(prog ~ 0 + middle + high + write, data = hsb2))
golden$frequency <- multinomial_values(
  multinomial_fit(prog ~ middle + high + write, data = hsb2, weights = inputs$frequency)
)

# Profile intervals to the precision of root finding; VGAM's and MASS's own interpolate by splines.
fixed_deviance <- function(term, equation, value) {
  terms <- c("middle", "high", "write")
  known <- matrix(0, n, 2)
  known[, equation] <- if (term == "(Intercept)") value else value * hsb2[[term]]
  one <- matrix(c(equation == 2, equation == 1) * 1, 2, 1)
  constraints <- setNames(rep(list(diag(2)), 4), c("(Intercept)", terms))
  constraints[[term]] <- one
  deviance(multinomial_fit(
    prog ~ middle + high + write, data = hsb2, offset = known, constraints = constraints
  ))
}
profile_ends <- function(fixed, estimate, error, least) {
  excess <- function(value) fixed(value) - least - qchisq(0.95, 1)
  c(
    uniroot(excess, estimate - c(4, 0.5) * error, tol = 1e-11)$root,
    uniroot(excess, estimate + c(0.5, 4) * error, tol = 1e-11)$root
  )
}
estimate <- coef(tall, matrix = TRUE)
errors <- matrix(sqrt(diag(vcov(tall))), ncol = 2, byrow = TRUE, dimnames = dimnames(estimate))
golden$profile <- lapply(1:2, function(equation) {
  t(sapply(rownames(estimate), function(term) {
    profile_ends(
      function(value) fixed_deviance(term, equation, value),
      estimate[term, equation], errors[term, equation], deviance(tall)
    )
  }))
})
golden$profile <- lapply(golden$profile, unname)
splines <- unname(confint(tall, method = "profile", trace = FALSE))
golden$profile_vgam <- list(splines[c(1, 3, 5, 7), ], splines[c(2, 4, 6, 8), ])

# Two classes against glm(binomial): academic or not.
hsb2$other <- as.numeric(hsb2$prog != "academic")
binary <- function(formula = other ~ middle + high + write, weights = rep(1, n), offset = rep(0, n), data = hsb2) {
  data$case_weights <- weights
  data$known <- offset
  suppressWarnings(glm(  # weights that are no integers
    formula, binomial, data,
    weights = case_weights, offset = known, control = list(epsilon = 1e-15, maxit = 100)
  ))
}
binary_values <- function(fit) {
  list(
    estimate = unname(coef(fit)), covariance = unname(vcov(fit)), deviance = deviance(fit),
    null_deviance = fit$null.deviance
  )
}
plain <- binary()
without <- function(term) {
  reformulate(setdiff(c("middle", "high", "write"), term), "other", intercept = term != "(Intercept)")
}
golden$binary <- c(binary_values(plain), list(
  log_likelihood = logLik(plain)[[1]], aic = AIC(plain), bic = BIC(plain),
  link = unname(predict(plain)), link_se = unname(predict(plain, se.fit = TRUE)$se.fit),
  leverage = unname(hatvalues(plain)), cooks_distance = unname(cooks.distance(plain)),
  pearson = unname(residuals(plain, "pearson")), deviance_residuals = unname(residuals(plain, "deviance")),
  rao = sapply(c("middle", "high", "write"), function(term) {
    anova(binary(without(term)), plain, test = "Rao")$Rao[2]
  }, USE.NAMES = FALSE),
  lr = sapply(c("middle", "high", "write"), function(term) {
    deviance(binary(without(term))) - deviance(plain)
  }, USE.NAMES = FALSE),
  hc0 = unname(vcovHC(plain, "HC0")), hc1 = unname(vcovHC(plain, "HC1")),
  hc3 = unname(vcovHC(plain, "HC3")),
  # cadjust: G / (G - 1) in every direction of a two-way clustering; HC1: times (n - 1) / (n - parameters).
  cluster_raw = unname(vcovCL(plain, inputs$clusters, "HC0", cadjust = FALSE)),
  cluster_groups = unname(vcovCL(plain, inputs$clusters, "HC0", cadjust = TRUE)),
  cluster_stata = unname(vcovCL(plain, inputs$clusters, "HC1", cadjust = TRUE)),
  cluster_two_way_raw = unname(
    vcovCL(plain, cbind(inputs$clusters, inputs$clusters2), "HC0", cadjust = FALSE)
  ),
  cluster_two_way = unname(vcovCL(plain, cbind(inputs$clusters, inputs$clusters2), "HC0", cadjust = TRUE)),
  profile = unname(t(sapply(names(coef(plain)), function(term) {
    column <- if (term == "(Intercept)") rep(1, n) else hsb2[[term]]
    profile_ends(
      function(value) deviance(binary(without(term), offset = value * column)),
      coef(plain)[[term]], sqrt(vcov(plain)[term, term]), deviance(plain)
    )
  }))),
  profile_mass = unname(suppressMessages(confint(glm(other ~ middle + high + write, binomial, hsb2))))
))
golden$binary_offset <- binary_values(binary(offset = inputs$offset[, 2]))
golden$binary_no_intercept <- binary_values(binary(other ~ 0 + middle + high + write))
frequency <- binary(weights = inputs$frequency)
# One copy of a row: repeated as often as its weight says.
copies <- binary(data = hsb2[rep(seq_len(n), inputs$frequency), ], weights = rep(1, sum(inputs$frequency)),
                 offset = rep(0, sum(inputs$frequency)))
first <- cumsum(c(1, inputs$frequency))[seq_len(n)]
golden$binary_frequency <- c(binary_values(frequency), list(
  leverage = unname(hatvalues(copies))[first], cooks_distance = unname(cooks.distance(copies))[first],
  hc0 = unname(vcovHC(copies, "HC0")), hc3 = unname(vcovHC(copies, "HC3"))
))
sampling <- binary(weights = inputs$sampling)
golden$binary_sampling <- list(
  estimate = unname(coef(sampling)), sandwich = unname(sandwich(sampling)),
  cluster_raw = unname(vcovCL(sampling, inputs$clusters, "HC0", cadjust = FALSE))
)

# Rows of counts of two classes: high satisfaction or not.
high <- cbind(table24[, "High"], table24[, "Low"] + table24[, "Medium"])
pair <- glm(high ~ Infl + Type + Cont, binomial, counts, control = list(epsilon = 1e-15, maxit = 100))
quasi <- update(pair, family = quasibinomial)
golden$binary_counts <- c(binary_values(pair), list(
  y = unname(high), dispersion = summary(quasi)$dispersion, quasi_covariance = unname(vcov(quasi)),
  degrees = df.residual(pair), pearson = unname(residuals(pair, "pearson")),
  deviance_residuals = unname(residuals(pair, "deviance")),
  leverage = unname(hatvalues(pair)), cooks_distance = unname(cooks.distance(pair)),
  hc0 = unname(vcovHC(pair, "HC0")), hc3 = unname(vcovHC(pair, "HC3"))
))

# dz/db of each Wald statistic (Yee 2022): a class that is nearly certain where x = 1.
effect <- data.frame(x = rep(0:1, c(9, 62)), y = factor(c(rep(0:2, 3), rep(2, 60), 1, 0)))
golden$hauck_donner <- list(
  x = effect$x, y = as.integer(effect$y) - 1,
  slopes = matrix(unname(hdeff(multinomial_fit(y ~ x, data = effect), derivative = 1)), 2),
  hsb2_slopes = matrix(unname(hdeff(tall, derivative = 1)), 2)
)

write(toJSON(golden, digits = NA, auto_unbox = TRUE, matrix = "rowmajor", pretty = 1), "r.json")
