# Contrasts of predictions at places, with multiplicity; tests of type II and of single coefficients: see readme.md.
suppressPackageStartupMessages({
  library(nnet)
  library(car)
  library(emmeans)
  library(mvtnorm)
  library(VGAM)
  library(jsonlite)
})
options(digits = 17, contrasts = c("contr.treatment", "contr.poly"))
set.seed(0)

packages <- c("nnet", "car", "emmeans", "mvtnorm", "VGAM")
golden <- list(versions = c(
  list(R = as.character(getRversion())),
  sapply(packages, function(name) as.character(packageVersion(name)), simplify = FALSE)
))
read_data <- function(name, levels) {
  frame <- read.csv(file.path("data", paste0(name, ".csv")), check.names = FALSE)
  for (column in names(levels)) frame[[column]] <- factor(frame[[column]], levels[[column]])
  frame
}
fitted_to <- function(formula, frame) {
  do.call("multinom", list(
    formula, frame, reltol = 1e-15, abstol = 0, maxit = 10000, trace = FALSE, Hess = TRUE
  ))
}

# emmeans refers z to a t distribution of the number of parameters: df = Inf is the normal.
# A row for each contrast, a column for each class; ratios by their logarithms.
contrasts_of <- function(means, response, classes, method) {
  table <- contrast(means, method, by = response, adjust = "none")
  estimate <- as.data.frame(table)
  names <- as.character(unique(estimate$contrast))
  as_rows <- function(values) {
    t(sapply(names, function(name) {
      rows <- estimate$contrast == name
      values[rows][match(classes, as.character(estimate[[response]][rows]))]
    }))
  }
  z <- estimate$estimate / estimate$SE
  correlation <- cov2cor(vcov(table))
  own <- 2 * pnorm(-abs(z))
  largest <- sapply(abs(z), function(t) {
    1 - pmvnorm(rep(-t, length(z)), rep(t, length(z)), corr = correlation, maxpts = 1e5, abseps = 1e-4)
  })
  quantile <- qmvnorm(0.95, tail = "both.tails", corr = correlation, maxpts = 1e5, abseps = 1e-4)$quantile
  list(
    contrasts = names, estimate = unname(as_rows(estimate$estimate)), std_error = unname(as_rows(estimate$SE)),
    holm = unname(as_rows(p.adjust(own, "holm"))), largest = unname(as_rows(largest)), quantile = quantile
  )
}
# emmeans' own order is first minus second: ours is later minus earlier.
against_first <- function(levels) {
  found <- lapply(seq_along(levels)[-1], function(second) replace(c(-1, rep(0, length(levels) - 1)), second, 1))
  setNames(found, paste(levels[-1], levels[1], sep = " - "))
}

women <- read_data("womenlf", list(
  partic = c("fulltime", "not.work", "parttime"), children = c("absent", "present"),
  region = c("Atlantic", "BC", "Ontario", "Prairie", "Quebec")
))
at_places <- function(model, at, factor, response, classes) {
  means <- emmeans(model, reformulate(c(factor, response)), at = at, mode = "prob")
  means <- update(means, df = Inf)
  method <- against_first(means@levels[[factor]])
  list(
    at = at, factor = factor,
    difference = contrasts_of(means, response, classes, method),
    ratio = contrasts_of(regrid(means, "log"), response, classes, method),
    odds_ratio = contrasts_of(regrid(means, "logit"), response, classes, method)
  )
}
labour <- fitted_to(partic ~ hincome * children + region, women)
golden$womenlf <- list(
  formula = "partic ~ hincome * children + region",
  classes = levels(women$partic),
  regions = at_places(
    labour, list(hincome = 15, children = "present"), "region", "partic", levels(women$partic)
  ),
  children = at_places(labour, list(hincome = 5, region = "Ontario"), "children", "partic", levels(women$partic))
)

type_2 <- function(model) {
  table <- suppressWarnings(Anova(model, type = 2))
  list(
    terms = rownames(table), statistic = table[["LR Chisq"]], df = table[["Df"]], p_value = table[["Pr(>Chisq)"]]
  )
}
voters <- read_data("beps", list(political.knowledge = 0:3, gender = c("female", "male")))
golden$type_2 <- list(
  womenlf = type_2(labour),
  beps = type_2(fitted_to(
    vote ~ (Europe + political.knowledge) * gender + Europe:political.knowledge + poly(age, 2), voters
  ))
)
women$works <- women$partic != "not.work"
two <- glm(works ~ hincome * children + region, binomial, women, control = list(epsilon = 1e-15, maxit = 100))
golden$type_2$womenlf_two <- type_2(two)

# Likelihood ratios of single coefficients, class by class against the first: VGAM's.
single <- function(formula, frame, classes) {
  model <- do.call("vglm", list(formula, quote(multinomial(refLevel = 1)), data = frame, epsilon = 1e-13))
  names <- names(coef(model))
  slopes <- !grepl("(Intercept)", names, fixed = TRUE)
  z <- lrt.stat(model)
  list(names = names[slopes], z = unname(z), estimate = unname(coef(model)[slopes]))
}
golden$single <- list(womenlf = single(partic ~ hincome + children + region, women))

writeLines(toJSON(golden, digits = I(15), auto_unbox = TRUE, matrix = "rowmajor", pretty = TRUE), "r_contrasts.json")
