# Bias-reduced estimates: Rscript generate_bias_reduced.R writes data/{endometrial,alligators,hepatitis}.csv and
# r_bias_reduced.json. See readme.md.
suppressPackageStartupMessages({
  library(brglm2)
  library(logistf)
  library(pmlr)
  library(jsonlite)
})
packages <- c("brglm2", "logistf", "pmlr", "jsonlite")
golden <- list(versions = c(
  list(R = as.character(getRversion())),
  sapply(packages, function(name) as.character(packageVersion(name)), simplify = FALSE)
))
table_of <- function(name) read.csv(file.path("data", paste0(name, ".csv")), stringsAsFactors = TRUE)
write_table <- function(name, frame) {
  write.csv(frame, file.path("data", paste0(name, ".csv")), row.names = FALSE, quote = FALSE)
}
data(endometrial, alligators, package = "brglm2")
data(hepatitis, package = "pmlr")
write_table("endometrial", endometrial)
write_table("alligators", alligators[c("foodchoice", "lake", "size", "freq")])
cells <- with(hepatitis, data.frame(
  withhold = as.integer(group == "withhold"), post = as.integer(time == "post"), HCV, nonABC, counts
))
write_table("hepatitis", aggregate(counts ~ withhold + post + HCV + nonABC, cells, sum))

# Two classes: logistf, and without an intercept brglm2.

tight <- logistf.control(maxit = 1000, lconv = 1e-12, gconv = 1e-12, xconv = 1e-12)
tight_profile <- logistpl.control(maxit = 10000, lconv = 1e-12, xconv = 1e-12)
of_logistf <- function(fit) {
  list(
    estimate = unname(fit$coefficients),
    lower = unname(fit$ci.lower),
    upper = unname(fit$ci.upper),
    lr = unname(qchisq(fit$prob, 1, lower.tail = FALSE)),
    overall = unname(2 * diff(rev(fit$loglik)))
  )
}
by_brglm2 <- function(formula, frame) {
  fit <- glm(formula, binomial, frame, method = "brglmFit", epsilon = 1e-12, maxit = 1000)
  list(estimate = unname(coef(fit)), std_error = unname(sqrt(diag(vcov(fit)))))
}
patients <- table_of("endometrial")
golden$endometrial <- c(
  of_logistf(logistf(HG ~ NV + PI + EH, patients, control = tight, plcontrol = tight_profile)),
  by_brglm2(HG ~ NV + PI + EH, patients)["std_error"]
)
row <- seq_len(nrow(patients))
patients$copies <- 1 + row %% 3
patients$known <- sin(row) / 2
golden$weighted_with_offset <- c(
  list(weights = patients$copies, offset = patients$known),
  of_logistf(logistf(
    HG ~ NV + PI + EH + offset(known), patients, weights = copies, control = tight, plcontrol = tight_profile
  ))
)
golden$without_intercept <- by_brglm2(HG ~ NV + PI + EH - 1, patients)

# More of them: brglm2, and for tests and intervals pmlr.

food <- table_of("alligators")
food$foodchoice <- factor(food$foodchoice, c("Fish", "Invertebrate", "Reptile", "Bird", "Other"))
food$lake <- factor(food$lake, c("Hancock", "Oklawaha", "Trafford", "George"))
eaten <- brmultinom(foodchoice ~ size + lake, food, weights = freq, ref = 1, epsilon = 1e-12, maxit = 1000)
golden$alligators <- list(
  estimate = unname(coef(eaten)),
  std_error = matrix(sqrt(diag(vcov(eaten))), nrow = 4, byrow = TRUE),
  log_likelihood = as.numeric(logLik(eaten))
)
infected <- pmlr(cbind(HCV, nonABC) ~ withhold * post, table_of("hepatitis"), weights = counts, joint = TRUE)
by_class <- function(values) t(matrix(values, ncol = 2))
golden$hepatitis <- list(
  estimate = by_class(infected$coefficients),
  lower = by_class(infected$CI.lower),
  upper = by_class(infected$CI.upper),
  lr = by_class(infected$stat),
  terms = infected$stat.joint[1, , 1][-1]
)
write_json(golden, "r_bias_reduced.json", digits = 15, auto_unbox = TRUE, pretty = FALSE)
