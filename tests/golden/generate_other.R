# Golden values on other data: Rscript generate_other.R writes data/*.csv and r_other.json. See readme.md.
suppressPackageStartupMessages({
  library(nnet)
  library(VGAM)
  library(carData)
  library(AER)
  library(car)
  library(sandwich)
  library(lmtest)
  library(survey)
  library(effects)
  library(emmeans)
  library(jsonlite)
})
options(digits = 17, contrasts = c("contr.treatment", "contr.poly"))

packages <- c("nnet", "VGAM", "carData", "AER", "car", "sandwich", "lmtest", "survey", "effects", "emmeans", "jsonlite")
golden <- list(versions = c(
  list(R = as.character(getRversion())),
  sapply(packages, function(name) as.character(packageVersion(name)), simplify = FALSE)
))

# Data: written as CSV and read again, so that both programs see the same digits.

read_data <- function(name) read.csv(file.path("data", paste0(name, ".csv")), check.names = FALSE)
write_data <- function(name, frame) {
  write.csv(na.omit(frame), file.path("data", paste0(name, ".csv")), row.names = FALSE, quote = FALSE)
}
data(BankWages, SwissLabor)
beps <- c("vote", "age", "economic.cond.national", "Europe", "political.knowledge", "gender")
chile <- c("vote", "region", "population", "sex", "age", "education", "statusquo")
write_data("womenlf", Womenlf)
write_data("beps", BEPS[beps])
write_data("chile", Chile[chile])
write_data("wvs", WVS[seq(1, nrow(WVS), 3), ])
write_data("bankwages", BankWages)
write_data("mroz", Mroz)
write_data("swisslabor", SwissLabor)
write_data("iris", iris)

# Classes drawn without a random generator: the multiples of the golden ratio are spread evenly over (0, 1).
years <- function(first, last, per_year) {
  t <- rep(first:last, each = per_year)
  z <- seq_along(t) %% 3
  u <- (t - 2005) / 10
  spread <- (seq_along(t) * (sqrt(5) - 1) / 2) %% 1
  one <- exp(0.2 + 0.5 * u - 0.3 * u^3 + 0.3 * z)
  two <- exp(-0.1 + 0.4 * u^2 - 0.2 * z)
  total <- 1 + one + two
  data.frame(t, z, y = (spread > 1 / total) + (spread > (1 + one) / total))
}
write_data("years_1990_2020", years(1990, 2020, 15))
write_data("years_2000_2010", years(2000, 2010, 40))

# A column is a product of parts, "age^2*sex=M": a number, its power, the indicator of a level, or 1.

part_of <- function(frame, part) {
  if (part == "1") return(rep(1, nrow(frame)))
  if (grepl("=", part)) {
    pieces <- strsplit(part, "=")[[1]]
    return(as.numeric(as.character(frame[[pieces[1]]]) == pieces[2]))
  }
  pieces <- strsplit(part, "^", fixed = TRUE)[[1]]
  frame[[pieces[1]]]^(if (length(pieces) > 1) as.numeric(pieces[2]) else 1)
}
parts_of <- function(column) strsplit(column, "*", fixed = TRUE)[[1]]
column_of <- function(frame, column) Reduce(`*`, lapply(parts_of(column), function(part) part_of(frame, part)))
columns_of <- function(frame, columns) {
  unname(do.call(cbind, lapply(columns, function(column) column_of(frame, column))))
}
design <- function(frame, columns) unname(cbind(1, columns_of(frame, columns)))
dummies <- function(factor, levels) paste0(factor, "=", levels)

# Newton's method, to the precision of the arithmetic. The first class is the base; rows of `Y` sum to 1.
# `allowed`: which classes a row may have, for the limits of separated fits.

fit <- function(X, Y, weights = rep(1, nrow(X)), allowed = matrix(TRUE, nrow(Y), ncol(Y)),
                start = 0, steps = 200, enough = 1e-28) {
  scale <- sqrt(colMeans(X^2))
  scaled <- sweep(X, 2, scale, "/")
  p <- ncol(X)
  K <- ncol(Y)
  forbidden <- ifelse(allowed, 0, -Inf)
  at <- function(theta) {
    eta <- cbind(0, scaled %*% matrix(theta, p)) + forbidden
    eta <- eta - apply(eta, 1, max)
    P <- exp(eta) / rowSums(exp(eta))
    list(value = sum(weights * rowSums(ifelse(Y > 0, Y * (eta - log(rowSums(exp(eta)))), 0))), P = P)
  }
  information_at <- function(P) {
    F <- matrix(0, p * (K - 1), p * (K - 1))
    for (k in 2:K) for (j in 2:K) {
      curvature <- weights * P[, k] * ((k == j) - P[, j])
      F[(k - 2) * p + 1:p, (j - 2) * p + 1:p] <- crossprod(scaled, curvature * scaled)
    }
    F
  }
  units <- rep(scale, K - 1)
  theta <- rep(0, p * (K - 1)) + start * units
  here <- at(theta)
  best <- Inf
  for (step in seq_len(steps)) {
    gradient <- as.vector(crossprod(scaled, weights * (Y - here$P)[, -1]))
    direction <- as.vector(pseudo_inverse(information_at(here$P)) %*% gradient)
    distance <- sum(gradient * direction)
    if (distance < enough || (distance < 1e-16 && distance >= best)) break
    best <- distance
    length <- 1
    there <- at(theta + direction)
    while (there$value < here$value - 1e-12 * abs(here$value) && length > 1e-6) {
      length <- length / 2
      there <- at(theta + length * direction)
    }
    theta <- theta + length * direction
    here <- there
  }
  information <- information_at(here$P)
  theta <- theta / units
  covariance <- pseudo_inverse(information) / outer(units, units)
  scores <- do.call(cbind, lapply(2:K, function(k) weights * (Y - here$P)[, k] * X))
  list(
    estimate = theta, covariance = covariance, log_likelihood = here$value, P = here$P, scores = scores,
    X = X, Y = Y, n = nrow(X), K = K, rank = qr(information, tol = 1e-10)$rank
  )
}

# The inverse on what the information sees; scaled to unit diagonal first.
pseudo_inverse <- function(F) {
  units <- sqrt(pmax(diag(F), 0))
  units[units == 0] <- 1
  decomposed <- eigen(F / outer(units, units), symmetric = TRUE)
  kept <- decomposed$values > 1e-13 * decomposed$values[1]
  if (all(kept)) return(chol2inv(chol(F / outer(units, units))) / outer(units, units))
  vectors <- decomposed$vectors[, kept, drop = FALSE]
  (vectors %*% (t(vectors) / decomposed$values[kept])) / outer(units, units)
}

close_to <- function(ours, theirs, tolerance) {
  stopifnot(length(ours) == length(theirs))
  stopifnot(max(abs(as.vector(ours) - as.vector(theirs)) / (1e-3 + abs(as.vector(theirs)))) < tolerance)
}

# A model: what the tests need to fit it, and its fit.

one_hot <- function(y, classes) outer(as.character(y), classes, `==`) * 1
model <- function(data, response, classes, terms, where = NULL) {
  frame <- read_data(data)
  frame <- frame[frame[[response]] %in% classes, ]
  for (name in names(where)) frame <- frame[frame[[name]] == where[[name]], ]
  columns <- unlist(terms, use.names = FALSE)
  ends <- cumsum(lengths(terms))
  positions <- Map(function(end, size) I(seq(end - size, end - 1)), ends, lengths(terms))
  fitted <- fit(design(frame, columns), one_hot(frame[[response]], classes))
  list(
    spec = list(
      data = data, where = if (is.null(where)) setNames(list(), character()) else where,
      response = response, classes = classes, columns = I(columns), terms = positions
    ),
    frame = frame, terms = terms, fit = fitted
  )
}
square <- function(theta, K) matrix(theta, nrow = K - 1, byrow = TRUE)
null_log_likelihood <- function(Y, weights = rep(1, nrow(Y))) {
  totals <- colSums(weights * Y)
  sum(ifelse(totals > 0, totals * log(totals / sum(totals)), 0))
}
fit_values <- function(model) {
  c(model$spec, list(
    estimate = square(model$fit$estimate, model$fit$K),
    covariance = model$fit$covariance,
    log_likelihood = model$fit$log_likelihood,
    null_log_likelihood = null_log_likelihood(model$fit$Y)
  ))
}

# Positions in the vector of coefficients, class by class and intercept first, of columns in every equation.
in_every_equation <- function(fit, columns) {
  as.vector(outer(columns + 2, (seq_len(fit$K - 1) - 1) * ncol(fit$X), `+`))
}
wald <- function(fit, covariance, positions) {
  b <- fit$estimate[positions]
  sum(b * solve(covariance[positions, positions, drop = FALSE], b))
}
without <- function(model, columns) {
  fit(model$fit$X[, -(columns + 2), drop = FALSE], model$fit$Y)
}
chi_squared <- function(statistics, df) {
  p_values <- pchisq(unname(statistics), unname(df), lower.tail = FALSE)
  list(statistic = I(unname(statistics)), df = I(unname(df)), p_value = I(p_values))
}
term_tests <- function(model) {
  positions <- model$spec$terms
  df <- lengths(positions) * (model$fit$K - 1)
  list(
    lr = chi_squared(sapply(positions, function(columns) {
      2 * (model$fit$log_likelihood - without(model, columns)$log_likelihood)
    }), df),
    wald = chi_squared(sapply(positions, function(columns) {
      wald(model$fit, model$fit$covariance, in_every_equation(model$fit, columns))
    }), df)
  )
}

# a, b: estimates, covariances, likelihoods, tests of terms.

numeric <- function(...) setNames(as.list(c(...)), c(...))
models <- list(
  womenlf = model("womenlf", "partic", c("not.work", "parttime", "fulltime"), list(
    hincome = "hincome", children = "children=present",
    region = dummies("region", c("BC", "Ontario", "Prairie", "Quebec"))
  )),
  womenlf_product = model("womenlf", "partic", c("not.work", "parttime", "fulltime"), list(
    hincome = "hincome", children = "children=present", "hincome:children" = "hincome*children=present",
    region = dummies("region", c("BC", "Ontario", "Prairie", "Quebec"))
  )),
  beps = model("beps", "vote", c("Conservative", "Labour", "Liberal Democrat"), list(
    age = "age", economic.cond.national = "economic.cond.national", Europe = "Europe",
    political.knowledge = dummies("political.knowledge", 1:3), gender = "gender=male"
  )),
  chile = model("chile", "vote", c("A", "N", "U", "Y"), list(
    region = dummies("region", c("M", "N", "S", "SA")), sex = "sex=M", age = "age",
    education = dummies("education", c("S", "PS")), statusquo = "statusquo"
  )),
  wvs = model("wvs", "poverty", c("Too Little", "About Right", "Too Much"), list(
    religion = "religion=yes", degree = "degree=yes", country = dummies("country", c("Norway", "Sweden", "USA")),
    age = "age", gender = "gender=male"
  )),
  bankwages = model("bankwages", "job", c("custodial", "admin", "manage"), numeric("education", "minority=yes"),
    where = list(gender = "male")
  ),
  mroz = model("mroz", "lfp", c("no", "yes"), list(
    k5 = "k5", k618 = dummies("k618", 1:3), age = "age", wc = "wc=yes", hc = "hc=yes", lwg = "lwg", inc = "inc"
  )),
  swisslabor = model("swisslabor", "participation", c("no", "yes"), list(
    income = "income", age = c("age", "age^2"), education = "education", youngkids = dummies("youngkids", 1:3),
    oldkids = "oldkids", foreign = "foreign=yes"
  ))
)
golden$models <- lapply(models, function(model) c(fit_values(model), term_tests(model)))

# R's own programs of the same models: formulas, and factors with their levels in this order.
relevelled <- function(frame, levels) {
  for (name in names(levels)) frame[[name]] <- factor(frame[[name]], levels[[name]])
  frame
}
levels_of <- list(
  partic = models$womenlf$spec$classes, children = c("absent", "present"),
  region = c("Atlantic", "BC", "Ontario", "Prairie", "Quebec"), vote = models$beps$spec$classes,
  political.knowledge = 0:3, gender = c("female", "male"), poverty = models$wvs$spec$classes,
  religion = c("no", "yes"), degree = c("no", "yes"), country = c("Australia", "Norway", "Sweden", "USA"),
  job = models$bankwages$spec$classes, minority = c("no", "yes"), lfp = c("no", "yes"), wc = c("no", "yes"),
  hc = c("no", "yes"), youngkids = 0:3, participation = c("no", "yes"), foreign = c("no", "yes")
)
chile_levels <- list(
  vote = models$chile$spec$classes, region = c("C", "M", "N", "S", "SA"), sex = c("F", "M"),
  education = c("P", "S", "PS")
)
native_frame <- function(name) {
  frame <- models[[name]]$frame
  levels <- if (name == "chile") chile_levels else levels_of
  frame <- relevelled(frame, levels[intersect(names(levels), names(frame))])
  # multinom refits in the global environment.
  if (name == "mroz") {
    frame$k618 <- factor(frame$k618)
    levels(frame$k618)[5:9] <- "0"
  }
  frame
}
formulas <- list(
  womenlf = partic ~ hincome + children + region,
  womenlf_product = partic ~ hincome * children + region,
  beps = vote ~ age + economic.cond.national + Europe + political.knowledge + gender,
  chile = vote ~ region + sex + age + education + statusquo,
  wvs = poverty ~ religion + degree + country + age + gender,
  bankwages = job ~ education + minority,
  mroz = lfp ~ k5 + k618 + age + wc + hc + lwg + inc,
  swisslabor = participation ~ income + age + I(age^2) + education + youngkids + oldkids + foreign
)
to_the_end <- list(epsilon = 1e-15, maxit = 100)
natives <- list()
for (name in names(formulas)) {
  native_data <- native_frame(name)
  ours <- models[[name]]
  if (ours$fit$K == 2) {
    native <- do.call("glm", list(formulas[[name]], binomial, native_data, control = to_the_end))
    close_to(logLik(native)[[1]], ours$fit$log_likelihood, 1e-12)
    close_to(sort(coef(native)), sort(ours$fit$estimate), 1e-9)
    close_to(sort(diag(vcov(native))), sort(diag(ours$fit$covariance)), 1e-7)
    close_to(-native$null.deviance / 2, golden$models[[name]]$null_log_likelihood, 1e-12)
  } else {
    native <- do.call("multinom", list(
      formulas[[name]], native_data, reltol = 1e-15, abstol = 0, maxit = 10000, trace = FALSE, Hess = TRUE
    ))
    newton <- do.call("vglm", list(
      formulas[[name]], quote(multinomial(refLevel = 1)), data = native_data, epsilon = 1e-12
    ))
    close_to(logLik(native)[[1]], ours$fit$log_likelihood, 1e-9)
    close_to(logLik(newton)[[1]], ours$fit$log_likelihood, 1e-12)
    close_to(sort(coef(native)), sort(ours$fit$estimate), 1e-3)
    close_to(sort(coef(newton)), sort(ours$fit$estimate), 1e-8)
    close_to(sort(diag(vcov(newton))), sort(diag(ours$fit$covariance)), 1e-4)
  }
  natives[[name]] <- native
}
# car's tests of the terms, from fits that stop earlier; where there is a product, type III leaves it in.
for (name in c("womenlf", "beps", "chile", "wvs", "bankwages", "mroz")) {
  table <- suppressWarnings(Anova(natives[[name]], type = 2))
  close_to(table[["LR Chisq"]], golden$models[[name]]$lr$statistic, 1e-4)
  stopifnot(table[["Df"]] == golden$models[[name]]$lr$df)
}
product <- models$womenlf_product
type3 <- Anova(natives$womenlf_product, type = 3)
order3 <- c("hincome", "children", "hincome:children", "region")
close_to(type3[order3, "LR Chisq"], golden$models$womenlf_product$lr$statistic, 1e-4)
additive <- without(product, 2)$log_likelihood
type2 <- c(
  hincome = 2 * (additive - without(product, c(0, 2))$log_likelihood),
  children = 2 * (additive - without(product, c(1, 2))$log_likelihood)
)
close_to(Anova(natives$womenlf_product, type = 2)[names(type2), "LR Chisq"], type2, 1e-4)
golden$models$womenlf_product$type2 <- c(list(left_out = c("hincome", "children")), chi_squared(type2, c(2, 2)))

# c: robust and clustered covariances.

meat_of <- function(fit, clusters) crossprod(rowsum(fit$scores, clusters))
n_clusters <- function(clusters) length(unique(clusters))
factor_of <- function(clusters) n_clusters(clusters) / (n_clusters(clusters) - 1)
sandwiched <- function(fit, meat) fit$covariance %*% meat %*% fit$covariance
symmetric <- function(V) (V + t(V)) / 2
two_way_of <- function(fit, ways, with_factors) {
  ways <- list(ways[, 1], ways[, 2], paste(ways[, 1], ways[, 2]))
  meats <- lapply(ways, function(clusters) {
    (if (with_factors) factor_of(clusters) else 1) * meat_of(fit, clusters)
  })
  symmetric(sandwiched(fit, meats[[1]] + meats[[2]] - meats[[3]]))
}
clipped <- function(V) {
  decomposed <- eigen(V, symmetric = TRUE)
  stopifnot(min(decomposed$values) < 0)
  decomposed$vectors %*% (pmax(decomposed$values, 0) * t(decomposed$vectors))
}
# Wald tests as chi-squared, and as F with the freedom of the clusters, W / q against F(q, freedom).
hypothesis_tests <- function(fit, V, hypotheses, freedom) {
  statistic <- unname(sapply(hypotheses, function(positions) wald(fit, V, positions)))
  df <- unname(lengths(hypotheses))
  list(
    positions = lapply(unname(hypotheses), function(positions) I(positions - 1)),
    chi2 = statistic, df = df, chi2_p_value = pchisq(statistic, df, lower.tail = FALSE),
    f = statistic / df, df_denominator = freedom, f_p_value = pf(statistic / df, df, freedom, lower.tail = FALSE)
  )
}
robust_values <- function(model, clusters, ways) {
  fit <- model$fit
  freedom <- n_clusters(clusters) - 1
  terms <- lapply(model$spec$terms, function(columns) in_every_equation(fit, columns))
  terms <- terms[lengths(terms) < freedom]
  p <- ncol(fit$X)
  contrasts <- c(list(2, 1:2, c(2, 3, p)), if (fit$K > 2) list(p + 2, c(2, p + 2), c(1, p + 1, p + 3)))
  hypotheses <- c(terms, contrasts)
  hc0 <- sandwiched(fit, crossprod(fit$scores))
  raw <- sandwiched(fit, meat_of(fit, clusters))
  by_groups <- factor_of(clusters) * raw
  residual <- fit$n - length(fit$estimate)
  z <- fit$estimate / sqrt(diag(by_groups))
  two_way <- list(raw = two_way_of(fit, ways, FALSE), groups = two_way_of(fit, ways, TRUE))
  list(
    clusters = clusters, ways = unname(ways), hc0 = hc0, cluster_raw = raw, cluster_groups = by_groups,
    term_names = names(terms),
    tests_model = hypothesis_tests(fit, fit$covariance, hypotheses, residual),
    tests_hc0 = hypothesis_tests(fit, hc0, hypotheses, residual),
    tests_cluster = hypothesis_tests(fit, by_groups, hypotheses, freedom),
    cluster_p_values_t = square(2 * pt(-abs(z), freedom), fit$K),
    two_way_least_eigenvalue_raw = min(eigen(two_way$raw)$values) / max(eigen(two_way$raw)$values),
    two_way_raw = clipped(two_way$raw), two_way_groups = clipped(two_way$groups)
  )
}
counted <- function(n) seq_len(n) - 1
i <- lapply(models, function(model) counted(model$fit$n))
age_groups <- function(name, width) models[[name]]$frame$age %/% width
# Second ways of clustering that make V_1 + V_2 - V_12 indefinite, with and without the factors.
golden$models$womenlf$robust <- robust_values(
  models$womenlf, i$womenlf %/% 22, cbind(i$womenlf %% 14, (i$womenlf %/% 8) %% 9)
)
golden$models$beps$robust <- robust_values(models$beps, age_groups("beps", 8), cbind(i$beps %% 7, (i$beps^2) %% 21))
golden$models$wvs$robust <- robust_values(
  models$wvs, age_groups("wvs", 10), cbind(i$wvs %% 13, (i$wvs %/% 14) %% 9)
)
golden$models$mroz$robust <- robust_values(models$mroz, age_groups("mroz", 4), cbind(i$mroz %% 6, (i$mroz %/% 9) %% 9))
golden$models$swisslabor$robust <- robust_values(
  models$swisslabor, i$swisslabor %% 9, cbind(i$swisslabor %% 10, (i$swisslabor %/% 13) %% 9)
)
# glm has the weights of the iterate before its last: 1e-7.
for (name in c("mroz", "swisslabor")) {
  native <- natives[[name]]
  ours <- golden$models[[name]]$robust
  order <- order(coef(native))[rank(models[[name]]$fit$estimate)]
  of <- function(V) unname(V)[order, order]
  close_to(of(vcovHC(native, "HC0")), ours$hc0, 1e-6)
  close_to(of(vcovCL(native, ours$clusters, "HC0", cadjust = FALSE)), ours$cluster_raw, 1e-6)
  close_to(of(vcovCL(native, ours$clusters, "HC0", cadjust = TRUE)), ours$cluster_groups, 1e-6)
  close_to(of(vcovCL(native, ours$ways, "HC0", cadjust = FALSE, fix = TRUE)), ours$two_way_raw, 1e-6)
  close_to(of(vcovCL(native, ours$ways, "HC0", cadjust = TRUE, fix = TRUE)), ours$two_way_groups, 1e-6)
}
# lmtest's F has the residual degrees of freedom.
tested <- waldtest(natives$mroz, . ~ . - k618, vcov = function(fit) vcovHC(fit, "HC0"), test = "F")
close_to(
  c(tested$F[2], tested[["Pr(>F)"]][2]),
  c(golden$models$mroz$robust$tests_hc0$f[2], golden$models$mroz$robust$tests_hc0$f_p_value[2]), 1e-6
)

# d: cubic polynomials in years; tested in u = (t - 2005) / 10, which changes neither statistic.
cubic <- function(name, classes) {
  frame <- read_data(name)
  u <- (frame$t - 2005) / 10
  y <- if (classes == 2) pmin(frame$y, 1) else frame$y
  X <- cbind(1, u, u^2, u^3, frame$z)
  fitted <- fit(unname(X), one_hot(y, as.character(seq_len(classes) - 1)))
  test <- function(columns) {
    reduced <- fit(unname(X[, -(columns + 2), drop = FALSE]), fitted$Y)
    df <- length(columns) * (classes - 1)
    list(
      columns = I(columns), df = df, lr = 2 * (fitted$log_likelihood - reduced$log_likelihood),
      wald = wald(fitted, fitted$covariance, in_every_equation(fitted, columns))
    )
  }
  list(
    data = name, classes = classes, log_likelihood = fitted$log_likelihood,
    tests = list(test(0:2), test(2), test(3)), probability_of_first_rows = fitted$P[1:5, ]
  )
}
spans <- c("years_1990_2020", "years_2000_2010")
golden$cubic <- unlist(lapply(spans, function(name) list(cubic(name, 2), cubic(name, 3))), recursive = FALSE)
for (test in golden$cubic[c(1, 3)]) {
  native_data <- read_data(test$data)
  native_data$u <- (native_data$t - 2005) / 10
  full <- glm(pmin(y, 1) ~ u + I(u^2) + I(u^3) + z, binomial, native_data, control = list(epsilon = 1e-15))
  close_to(waldtest(full, . ~ z, test = "Chisq")$Chisq[2], test$tests[[1]]$wald, 1e-7)
  close_to(lrtest(full, . ~ z)$Chisq[2], test$tests[[1]]$lr, 1e-7)
}

# e: effects of inputs. With theta complex the imaginary part is the derivative, without cancellation (complex step).
probabilities <- function(theta, X, K) {
  eta <- cbind(0, X %*% matrix(theta, ncol(X)))
  exp(eta) / rowSums(exp(eta))
}
delta_method <- function(fit, value) {
  theta <- fit$estimate
  step <- 1e-30
  jacobian <- sapply(seq_along(theta), function(j) {
    moved <- as.complex(theta)
    moved[j] <- moved[j] + 1i * step
    Im(value(moved)) / step
  })
  errors <- sqrt(diag(fit$covariance))
  central <- sapply(seq_along(theta), function(j) {
    reach <- replace(0 * theta, j, 1e-5 * errors[j])
    (value(theta + reach) - value(theta - reach)) / (2e-5 * errors[j])
  })
  stopifnot(max(abs((central - jacobian) %*% diag(errors))) < 1e-7)
  list(estimate = value(theta), std_error = sqrt(rowSums((jacobian %*% fit$covariance) * jacobian)))
}
set_to <- function(frame, values) {
  for (name in names(values)) frame[[name]] <- values[[name]]
  frame
}
average_prediction <- function(model, values) function(theta) {
  colMeans(probabilities(theta, design(set_to(model$frame, values), model$spec$columns), model$fit$K))
}
# The product rule: d (x^a * b) / dx = a x^(a - 1) * b.
derivative_of <- function(frame, column, input) {
  parts <- parts_of(column)
  is_of_input <- sub("\\^.*", "", parts) == input
  if (!any(is_of_input)) return(rep(0, nrow(frame)))
  stopifnot(sum(is_of_input) == 1)
  power <- as.numeric(c(strsplit(parts[is_of_input], "^", fixed = TRUE)[[1]], "1")[2])
  own <- power * frame[[input]]^(power - 1)
  Reduce(`*`, lapply(parts[!is_of_input], function(part) part_of(frame, part)), own)
}
average_slope <- function(model, input) {
  X <- model$fit$X
  changes <- cbind(0, sapply(model$spec$columns, function(column) derivative_of(model$frame, column, input)))
  function(theta) {
    P <- probabilities(theta, X, model$fit$K)
    slopes <- cbind(0, changes %*% matrix(theta, ncol(X)))
    colMeans(P * (slopes - rowSums(P * slopes)))
  }
}
stacked <- function(parts) {
  list(estimate = unname(t(sapply(parts, `[[`, "estimate"))), std_error = unname(t(sapply(parts, `[[`, "std_error"))))
}
input_effects <- function(model, numbers, factors, values, rows) {
  fit <- model$fit
  predict_at <- function(values) delta_method(fit, average_prediction(model, values))
  list(
    slopes = lapply(setNames(numbers, numbers), function(input) delta_method(fit, average_slope(model, input))),
    contrasts = Map(function(name, levels) {
      base <- average_prediction(model, setNames(list(levels[1]), name))
      c(list(levels = I(levels[-1]), base = levels[1]), stacked(lapply(levels[-1], function(level) {
        there <- average_prediction(model, setNames(list(level), name))
        delta_method(fit, function(theta) there(theta) - base(theta))
      })))
    }, names(factors), factors),
    predictions = Map(function(name, levels) {
      c(list(levels = levels), stacked(lapply(levels, function(level) predict_at(setNames(list(level), name)))))
    }, names(factors), factors),
    predictions_at_values = Map(function(name, values) {
      c(list(values = values), stacked(lapply(values, function(value) predict_at(setNames(list(value), name)))))
    }, names(values), values),
    rows = c(list(X = rows), stacked(lapply(seq_len(nrow(rows)), function(row) predict_at(as.list(rows[row, ])))))
  )
}
inputs <- list(
  mroz = model("mroz", "lfp", c("no", "yes"), list(
    age = c("age", "age^2"), wc = "wc=yes", "age:wc" = "age*wc=yes", k5 = "k5", inc = "inc"
  )),
  swisslabor = model("swisslabor", "participation", c("no", "yes"), list(
    age = c("age", "age^2"), foreign = "foreign=yes", "age:foreign" = c("age*foreign=yes", "age^2*foreign=yes"),
    income = "income", education = "education", "income:education" = "income*education"
  )),
  womenlf = model("womenlf", "partic", c("not.work", "parttime", "fulltime"), list(
    hincome = c("hincome", "hincome^2"), children = "children=present", "hincome:children" = "hincome*children=present"
  )),
  beps = model("beps", "vote", c("Conservative", "Labour", "Liberal Democrat"), list(
    Europe = c("Europe", "Europe^2"), political.knowledge = dummies("political.knowledge", 1:3),
    "Europe:political.knowledge" = paste0("Europe*political.knowledge=", 1:3), age = "age", gender = "gender=male"
  )),
  chile = model("chile", "vote", c("A", "N", "U", "Y"), list(
    age = c("age", "age^2"), education = dummies("education", c("S", "PS")),
    "age:education" = c("age*education=S", "age*education=PS"), sex = "sex=M",
    statusquo = c("statusquo", "statusquo^2"),
    "sex:statusquo" = "sex=M*statusquo"
  ))
)
examples <- function(name, variables) head(inputs[[name]]$frame[c(5, 60, 200), variables], 3)
input_values <- list(
  mroz = input_effects(inputs$mroz, c("age", "inc", "k5"), list(wc = c("no", "yes")),
    list(age = c(30, 45, 60), inc = c(10, 40)), examples("mroz", c("age", "wc", "k5", "inc"))),
  swisslabor = input_effects(inputs$swisslabor, c("age", "income", "education"), list(foreign = c("no", "yes")),
    list(age = c(2.5, 4, 6), income = c(10, 11)), examples("swisslabor", c("age", "foreign", "income", "education"))),
  womenlf = input_effects(inputs$womenlf, "hincome", list(children = c("absent", "present")), list(hincome = c(5, 20)),
    examples("womenlf", c("hincome", "children"))),
  beps = input_effects(inputs$beps, c("Europe", "age"),
    list(political.knowledge = as.character(0:3), gender = c("female", "male")), list(Europe = c(1, 6, 11)),
    examples("beps", c("Europe", "political.knowledge", "age", "gender"))),
  chile = input_effects(inputs$chile, c("age", "statusquo"), list(education = c("P", "S", "PS"), sex = c("F", "M")),
    list(age = c(20, 50), statusquo = c(-1, 1)), examples("chile", c("age", "education", "sex", "statusquo")))
)
golden$inputs <- Map(function(model, values) c(fit_values(model), values), inputs, input_values)

# emmeans knows no averages over the rows: of single rows it has the same predictions and errors.
input_formulas <- list(
  womenlf = partic ~ (hincome * children) + I(hincome^2),
  beps = vote ~ Europe * political.knowledge + I(Europe^2) + age + gender,
  chile = vote ~ age * education + I(age^2) + sex * statusquo + I(statusquo^2)
)
for (name in names(input_formulas)) {
  native_data <- native_frame(name)
  # nnet's covariance is MASS::ginv's, which takes the squares of raw years for collinear.
  if ("age" %in% names(native_data)) native_data$age <- native_data$age / 100
  native <- do.call("multinom", list(
    input_formulas[[name]], native_data, reltol = 1e-15, abstol = 0, maxit = 10000, trace = FALSE, Hess = TRUE
  ))
  response <- all.vars(input_formulas[[name]])[1]
  for (row in 1:3) {
    at <- as.list(input_values[[name]]$rows$X[row, ])
    if (name == "beps") at$political.knowledge <- as.character(at$political.knowledge)
    if ("age" %in% names(at)) at$age <- at$age / 100
    grid <- as.data.frame(emmeans(native, reformulate(response), at = at, mode = "prob"))
    close_to(grid$prob, input_values[[name]]$rows$estimate[row, ], 1e-4)
    close_to(grid$SE, input_values[[name]]$rows$std_error[row, ], 1e-3)
  }
}

for (name in c("mroz", "swisslabor")) {
  native_data <- native_frame(name)
  formula <- list(
    mroz = lfp ~ age * wc + I(age^2) + k5 + inc,
    swisslabor = participation ~ (age + I(age^2)) * foreign + income * education
  )[[name]]
  native <- glm(formula, binomial, native_data, control = to_the_end)
  rows <- input_values[[name]]$rows
  predicted <- predict(native, relevelled(rows$X, levels_of[intersect(names(levels_of), names(rows$X))]),
    type = "response", se.fit = TRUE
  )
  close_to(predicted$fit, rows$estimate[, 2], 1e-9)
  close_to(predicted$se.fit, rows$std_error[, 2], 1e-6)
}

# Without products, all other columns at their means: what the package effects calls an effect.
at_means <- function(name, factor, levels) {
  model <- models[[name]]
  columns <- model$spec$terms[[factor]] + 2
  place <- colMeans(model$fit$X)
  c(list(term = factor), stacked(lapply(seq_len(length(columns) + 1), function(level) {
    place[columns] <- (seq_along(columns) == level - 1) * 1
    delta_method(model$fit, function(theta) drop(probabilities(theta, t(place), model$fit$K)))
  })))
}
of_factors <- list(
  c("womenlf", "region"), c("beps", "political.knowledge"), c("chile", "education"), c("wvs", "country")
)
for (pair in of_factors) {
  values <- at_means(pair[1], pair[2])
  native_data <- native_frame(pair[1])
  effect <- Effect(pair[2], natives[[pair[1]]])
  order <- paste0("prob.", make.names(models[[pair[1]]]$spec$classes))
  close_to(effect$prob[, order], values$estimate, 1e-4)
  close_to(effect$se.prob[, paste0("se.", order)], values$std_error, 1e-3)
  golden$models[[pair[1]]]$at_means <- values
}

# f: separated fits. The supremum is that of the rows without what is decided: a class whose probability in a row goes
# on falling, by about e in each Newton step, when all else has settled. The same steps, gone on with, come as near.
limit <- function(X, Y) {
  settled <- fit(X, Y, enough = 1e-7)
  later <- fit(X, Y, start = settled$estimate, steps = 3)
  allowed <- !(Y == 0 & later$P < exp(-1.5) * settled$P)
  found <- fit(X, Y, allowed = allowed)
  run <- fit(X, Y, start = settled$estimate, steps = 12, enough = 0)
  stopifnot(abs(found$log_likelihood - run$log_likelihood) < 1e-9)
  c(found, list(run = run, decided = sum(!allowed)))
}
# finite: the terms whose estimates are. Their Wald tests are those of the limit.
separated_values <- function(model, finite) {
  fitted <- limit(model$fit$X, model$fit$Y)
  df <- lengths(model$spec$terms) * (fitted$K - 1)
  statistics <- sapply(model$spec$terms, function(columns) {
    2 * (fitted$log_likelihood - limit(fitted$X[, -(columns + 2), drop = FALSE], fitted$Y)$log_likelihood)
  })
  walds <- sapply(model$spec$terms[finite], function(columns) {
    positions <- in_every_equation(fitted, columns)
    close_to(fitted$run$estimate[positions], fitted$estimate[positions], 1e-5)
    wald(fitted, fitted$covariance, positions)
  })
  constant <- null_log_likelihood(fitted$Y)
  c(model$spec, list(
    supremum = fitted$log_likelihood, null_log_likelihood = constant, decided = fitted$decided,
    overall = chi_squared(2 * (fitted$log_likelihood - constant), sum(df)),
    lr = chi_squared(statistics, df), finite = I(finite),
    finite_wald = if (length(finite)) chi_squared(walds, df[finite]),
    finite_std_error = lapply(model$spec$terms[finite], function(columns) {
      square(sqrt(diag(fitted$covariance))[in_every_equation(fitted, columns)], fitted$K)
    })
  ))
}
separated <- list(
  mroz_level = list(model("mroz", "lfp", c("no", "yes"), list(
    k5 = dummies("k5", 1:3), age = "age", wc = "wc=yes", inc = "inc"
  )), c("age", "wc", "inc")),
  mroz_column = list(model("mroz", "lfp", c("no", "yes"), list(
    k5 = "k5", three = "k5=3", age = "age", lwg = "lwg"
  )), c("k5", "age", "lwg")),
  bankwages = list(model("bankwages", "job", c("custodial", "admin", "manage"), list(
    education = "education", minority = "minority=yes", gender = "gender=female"
  )), c("education", "minority")),
  womenlf = list(model("womenlf", "partic", c("not.work", "parttime", "fulltime"), list(
    hincome = "hincome", children = "children=present",
    region = dummies("region", c("BC", "Ontario", "Prairie", "Quebec")),
    "children:region" = paste0("children=present*region=", c("BC", "Ontario", "Prairie", "Quebec"))
  )), c("hincome", "children")),
  iris = list(model("iris", "Species", c("setosa", "versicolor", "virginica"), numeric(
    "Sepal.Length", "Sepal.Width", "Petal.Length", "Petal.Width"
  )), character()),
  iris_sepal = list(model(
    "iris", "Species", c("setosa", "virginica"), numeric("Sepal.Length", "Sepal.Width")
  ), character())
)
golden$separated <- lapply(separated, function(pair) separated_values(pair[[1]], pair[[2]]))

# g: no intercept, but columns that span the constant; then the null model is that of the constants.
constant_values <- function(data, response, classes, columns) {
  frame <- read_data(data)
  X <- columns_of(frame, columns)
  Y <- one_hot(frame[[response]], classes)
  decomposed <- qr(X)
  rank <- decomposed$rank
  fitted <- fit(X[, decomposed$pivot[seq_len(rank)], drop = FALSE], Y)
  has_constant <- qr(cbind(X, 1))$rank == rank
  null <- if (has_constant) null_log_likelihood(Y) else -nrow(X) * log(length(classes))
  native <- multinom(Y ~ 0 + X, reltol = 1e-15, abstol = 0, maxit = 10000, trace = FALSE)
  close_to(logLik(native)[[1]], fitted$log_likelihood, 1e-9)
  list(
    data = data, response = response, classes = classes, columns = I(columns), has_constant = has_constant,
    log_likelihood = fitted$log_likelihood, null_log_likelihood = null,
    mcfadden = 1 - fitted$log_likelihood / null,
    likelihood_ratio = chi_squared(2 * (fitted$log_likelihood - null), (rank - has_constant) * (length(classes) - 1))
  )
}
regions <- dummies("region", levels_of$region)
labour <- function(...) constant_values("womenlf", "partic", models$womenlf$spec$classes, c(...))
force <- function(...) constant_values("mroz", "lfp", c("no", "yes"), c(...))
golden$constants <- list(
  womenlf_ones = labour("1", "hincome", "children=present"),
  womenlf_dummies = labour(regions, "hincome"),
  womenlf_both = labour("1", regions, "hincome"),
  womenlf_two_sets = labour("children=absent", "children=present", regions, "hincome"),
  womenlf_none = labour("hincome", "children=present"),
  mroz_ones = force("1", "inc", "age"),
  mroz_dummies = force("wc=no", "wc=yes", "inc"),
  mroz_both = force("inc", "1", "wc=no", "wc=yes"),
  mroz_none = force("inc", "wc=yes")
)

# h: survey weights. For more than two classes the design-based variance is that of the total of the influences.
survey_values <- function(name, weights, clusters) {
  model <- models[[name]]
  fitted <- fit(model$fit$X, model$fit$Y, weights)
  influences <- as.data.frame(fitted$scores %*% fitted$covariance / weights)
  influences$weights <- weights
  influences$clusters <- clusters
  variance <- function(ids) {
    unname(vcov(svytotal(
      reformulate(names(influences)[seq_along(fitted$estimate)]),
      svydesign(ids = ids, weights = ~weights, data = influences)
    )))
  }
  list(
    weights = weights, clusters = clusters, estimate = square(fitted$estimate, fitted$K),
    rows = matrix(variance(~1), length(fitted$estimate)),
    clustered = matrix(variance(~clusters), length(fitted$estimate)), n_clusters = n_clusters(clusters)
  )
}
golden$survey <- list(
  mroz = survey_values("mroz", 0.5 + (models$mroz$frame$age %% 4) / 2, age_groups("mroz", 3)),
  swisslabor = survey_values("swisslabor", 1 + (i$swisslabor %% 5) * 0.7, i$swisslabor %/% 40),
  womenlf = survey_values("womenlf", 0.25 + (i$womenlf %% 3), i$womenlf %/% 10),
  beps = survey_values("beps", 100 + 40 * (models$beps$frame$age %% 7), age_groups("beps", 4))
)
for (name in c("mroz", "swisslabor")) {
  ours <- golden$survey[[name]]
  frame <- native_frame(name)
  frame$case_weights <- ours$weights
  frame$clusters <- ours$clusters
  for (kind in c("rows", "clustered")) {
    survey_design <- svydesign(if (kind == "rows") ~1 else ~clusters, weights = ~case_weights, data = frame)
    native <- svyglm(formulas[[name]], survey_design, family = quasibinomial, control = to_the_end)
    order <- order(coef(native))[rank(ours$estimate)]
    close_to(coef(native)[order], ours$estimate, 1e-8)
    close_to(vcov(native)[order, order], ours[[kind]], 1e-6)
  }
}

# A line for each value and for each row of a matrix.
as_text <- function(value, indent = "") {
  if (is.list(value) && !is.data.frame(value) && !is.null(names(value)) && length(value) > 0) {
    inner <- paste0(indent, " ")
    pairs <- Map(function(name, entry) paste0(inner, "\"", name, "\": ", as_text(entry, inner)), names(value), value)
    return(paste0("{\n", paste(pairs, collapse = ",\n"), "\n", indent, "}"))
  }
  text <- toJSON(value, digits = I(15), auto_unbox = TRUE, matrix = "rowmajor")
  gsub("([]}]),([[{])", paste0("\\1,\n", indent, " \\2"), text)
}
writeLines(as_text(golden), "r_other.json")
