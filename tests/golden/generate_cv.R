# Golden values of cross-validation: Rscript generate_cv.R writes r_cv.json beside this script. See readme.md.
suppressPackageStartupMessages({
  library(glmnet)
  library(jsonlite)
})
golden <- list(versions = list(
  R = as.character(getRversion()), glmnet = as.character(packageVersion("glmnet"))
))

# Folds of unequal sizes, by the number of the row, and in one case weights.
chosen <- function(X, y, family, alpha, lambda, weights = NULL, ...) {
  index <- seq_len(nrow(X)) - 1
  foldid <- c(1, 2, 3, 4, 5, 1, 2, 1)[index %% 8 + 1]
  found <- cv.glmnet(
    X, y, weights = weights, family = family, alpha = alpha, lambda = lambda, foldid = foldid, standardize = FALSE,
    thresh = 1e-14, maxit = 1e7, ...
  )
  list(
    foldid = foldid, weights = weights, lambda = lambda, mean = found$cvm, error = found$cvsd,
    lambda_min = found$lambda.min, lambda_1se = found$lambda.1se
  )
}

iris <- read.csv("data/iris.csv")
X <- as.matrix(iris[, 1:4])
index <- seq_len(nrow(X)) - 1
strengths <- 10^seq(0, -3, by = -0.25)
golden$iris <- list(
  ridge = chosen(X, iris[[5]], "multinomial", 0, strengths),
  weighted_ridge = chosen(X, iris[[5]], "multinomial", 0, strengths, 0.5 + (index %% 4) / 2),
  lasso = chosen(X, iris[[5]], "multinomial", 1, strengths),
  elastic_net = chosen(X, iris[[5]], "multinomial", 0.5, strengths)
)
anes <- read.csv("data/anes96.csv")
columns <- c("logpopul", "selfLR", "age", "educ", "income")
golden$anes <- list(
  columns = columns,
  ridge = chosen(as.matrix(anes[, columns]), anes$vote, "binomial", 0, 10^seq(1, -3, by = -0.5))
)
writeLines(toJSON(golden, digits = 17, auto_unbox = TRUE, null = "null"), "r_cv.json")
