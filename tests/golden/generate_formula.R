# Fits of formulas, with factors, interactions, splines and polynomials, and their tests of type II: see readme.md.
suppressPackageStartupMessages({
  library(nnet)
  library(car)
  library(splines)
  library(jsonlite)
})
options(digits = 17, contrasts = c("contr.treatment", "contr.poly"))

formulas <- list(
  hsb2 = list("prog ~ ses * write", "prog ~ ses + bs(write, df = 4)", "prog ~ ses * poly(write, 2)"),
  womenlf = list("partic ~ children * log(hincome)", "partic ~ children + scale(hincome) + region")
)
golden <- list(versions = c(
  list(R = as.character(getRversion())),
  sapply(c("nnet", "car"), function(name) as.character(packageVersion(name)), simplify = FALSE)
))
for (name in names(formulas)) {
  frame <- read.csv(file.path("data", paste0(name, ".csv")), stringsAsFactors = TRUE)
  golden[[name]] <- lapply(formulas[[name]], function(formula) {
    fit <- do.call("multinom", list(as.formula(formula), frame, reltol = 1e-15, abstol = 0, maxit = 10000, trace = FALSE))
    capture.output(tests <- Anova(fit, type = 2))
    list(
      formula = formula, estimate = unname(coef(fit)), log_likelihood = as.numeric(logLik(fit)),
      terms = rownames(tests), chi2 = tests[["LR Chisq"]], df = tests[["Df"]]
    )
  })
}
write_json(golden, "r_formula.json", digits = NA, auto_unbox = TRUE, pretty = 1)
