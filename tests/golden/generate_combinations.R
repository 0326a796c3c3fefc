# Linear combinations of coefficients, one by one and together, and tests of several: see readme.md.
suppressPackageStartupMessages({
  library(nnet)
  library(car)
  library(multcomp)
  library(sandwich)
  library(jsonlite)
})
options(digits = 17)
set.seed(0)

packages <- c("nnet", "car", "multcomp", "mvtnorm", "sandwich")
golden <- list(versions = c(
  list(R = as.character(getRversion())),
  sapply(packages, function(name) as.character(packageVersion(name)), simplify = FALSE)
))
pupils <- read.csv("data/hsb2.csv")
pupils$ses <- factor(pupils$ses, c("low", "middle", "high"))
pupils$prog <- factor(pupils$prog, c("academic", "general", "vocational"))

# Each by itself, then simultaneous p-values and intervals (single-step), then Holm's; and all at once as chi-squared.
combinations_of <- function(coefficients, covariance, rows, rhs, df = 0) {
  tests <- glht(parm(coefficients, covariance, df = df), linfct = rows, rhs = rhs)
  alone <- summary(tests, test = univariate())$test
  interval <- confint(tests, calpha = univariate_calpha())$confint
  largest <- summary(tests, test = adjusted("single-step", maxpts = 1e6, abseps = 1e-5))$test$pvalues
  together <- confint(tests)
  list(
    estimate = unname(alone$coefficients), std_error = unname(alone$sigma), z = unname(alone$tstat),
    p_value = as.vector(alone$pvalues), lower = unname(interval[, "lwr"]), upper = unname(interval[, "upr"]),
    holm = as.vector(summary(tests, test = adjusted("holm"))$test$pvalues),
    largest = as.vector(largest), quantile = as.vector(attr(together$confint, "calpha"))
  )
}

# b = (general: Intercept, middle, high, write; vocational: the same).
model <- multinom(prog ~ ses + write, pupils, reltol = 1e-15, abstol = 0, maxit = 10000, trace = FALSE, Hess = TRUE)
texts <- c("general:write = vocational:write", "general:sesmiddle = vocational:sesmiddle", "general:seshigh = -1")
rows <- rbind(
  c(0, 0, 0, 1, 0, 0, 0, -1), c(0, 1, 0, 0, 0, -1, 0, 0), c(0, 0, 1, 0, 0, 0, 0, 0),
  c(0.5, 0, 0, 25, 0.5, 0, 0, 25)
)
golden$multinom <- combinations_of(as.vector(t(coef(model))), vcov(model), rows, c(0, 0, -1, 0.1))
test <- linearHypothesis(model, texts)
golden$multinom$together <- list(chi2 = test[["Chisq"]][2], df = test[["Df"]][2], p_value = test[["Pr(>Chisq)"]][2])

# b = (Intercept, middle, high, write); the residual degrees of freedom, and clusters of the row number modulo 20.
pupils$other <- pupils$prog != "academic"
two <- glm(other ~ ses + write, binomial, pupils, control = list(epsilon = 1e-15, maxit = 100))
rows <- rbind(c(0, 1, -1, 0), c(1, 0, 1, 40), c(0, 1, 1, 0))
golden$two <- combinations_of(coef(two), vcov(two), rows, c(0, 0, 0.5), df = two$df.residual)
clustered <- vcovCL(two, cluster = (seq_len(nrow(pupils)) - 1) %% 20, type = "HC0", cadjust = TRUE)
golden$clustered <- combinations_of(coef(two), clustered, rows, c(0, 0, 0.5))
test <- linearHypothesis(two, c("sesmiddle = seshigh", "sesmiddle + seshigh = 0.5"), vcov. = clustered, test = "Chisq")
golden$clustered$together <- list(chi2 = test[["Chisq"]][2], df = test[["Df"]][2], p_value = test[["Pr(>Chisq)"]][2])

writeLines(
  toJSON(golden, digits = I(15), auto_unbox = TRUE, matrix = "rowmajor", pretty = TRUE), "r_combinations.json"
)
