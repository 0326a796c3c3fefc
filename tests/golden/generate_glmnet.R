# Golden values of sparse models from R's glmnet: Rscript generate_glmnet.R FOLDER writes glmnet.json beside this script;
# FOLDER holds scikit-learn's wine_data.csv and breast_cancer.csv. See readme.md.
suppressPackageStartupMessages({
  library(glmnet)
  library(jsonlite)
})
scikit_learn <- commandArgs(trailingOnly = TRUE)[1]
# The first at which rounding lets a path arrive; at 1e-14 the seventh digit of the deviance is wrong.
THRESH <- c(1e-20, 1e-18, 1e-16)
STRENGTHS <- 10
KEPT <- c(4, 10)  # strengths whose coefficients are written, from 1
# All strengths are asked for, also where little is left to explain.
glmnet.control(fdev = 0, devmax = 1)

rows_of <- function(file) {
  frame <- read.csv(file.path(scikit_learn, file), skip = 1, header = FALSE)
  list(X = unname(as.matrix(frame[-ncol(frame)])), y = frame[[ncol(frame)]])
}
# Whole numbers over 127, so that they are the same wherever they are computed.
wide <- function(n = 40, p = 120) {
  i <- matrix(seq_len(n), n, p)
  j <- matrix(seq_len(p), n, p, byrow = TRUE)
  X <- ((i^2 * (j + 3) * 17 + 31 * i * j^2 + 7 * j) %% 127) / 127
  score <- X[, 1] - X[, 2] + X[, 3] * X[, 4] + X[, 5] / 2
  list(X = X, y = as.integer(score > 0.25) + as.integer(score > 0.6))
}
flowers <- read.csv("data/iris.csv")
data <- list(
  iris = list(X = unname(as.matrix(flowers[1:4])), y = as.integer(factor(flowers[[5]])) - 1L),
  wine = rows_of("wine_data.csv"),
  breast_cancer = rows_of("breast_cancer.csv"),
  wide = wide()
)
kinds <- list(
  lasso = list(alpha = 1), elastic_net = list(alpha = 0.5), ridge = list(alpha = 0),
  grouped_lasso = list(alpha = 1, type.multinomial = "grouped"),
  grouped_elastic_net = list(alpha = 0.5, type.multinomial = "grouped")
)
variants <- list(
  plain = function(n, p, K) list(),
  factors = function(n, p, K) list(penalty.factor = c(0, 2, rep(1, p - 2))),
  weights = function(n, p, K) list(weights = 0.5 + ((seq_len(n) - 1) %% 4) / 2),
  offset = function(n, p, K) {
    offset <- outer(seq_len(n) - 1, seq_len(K) - 1, function(i, k) ((3 * i + 5 * k) %% 7 - 3) / 5)
    list(offset = if (K == 2) offset[, 2] - offset[, 1] else offset)
  },
  limits = function(n, p, K) list(lower.limits = -0.4, upper.limits = 0.25),
  at_least_0 = function(n, p, K) list(lower.limits = 0),
  at_most_0 = function(n, p, K) list(upper.limits = 0)
)

fit_path <- function(rows, kind, variant, standardize) {
  K <- max(rows$y) + 1
  arguments <- c(
    list(
      rows$X, factor(rows$y), family = if (K == 2) "binomial" else "multinomial", standardize = standardize,
      maxit = 1e7
    ),
    kinds[[kind]], variants[[variant]](nrow(rows$X), ncol(rows$X), K)
  )
  # Three are the fewest of which it tells the largest.
  found <- do.call(glmnet, c(arguments, nlambda = 3, lambda.min.ratio = 0.5, thresh = THRESH[2]))
  lambda <- found$lambda[1] * 0.01^((seq_len(STRENGTHS) - 1) / (STRENGTHS - 1))
  for (thresh in THRESH) {
    model <- suppressWarnings(do.call(glmnet, c(arguments, list(lambda = lambda, thresh = thresh))))
    if (length(model$lambda) == STRENGTHS && model$jerr == 0) break
  }
  stopifnot(length(model$lambda) == STRENGTHS, model$jerr == 0)
  kept <- model$lambda[KEPT]
  chosen <- round(seq(1, nrow(rows$X), length.out = 5))
  offset <- variants[[variant]](nrow(rows$X), ncol(rows$X), K)$offset
  offset <- if (is.matrix(offset)) offset[chosen, ] else if (!is.null(offset)) offset[chosen]
  probability <- predict(model, rows$X[chosen, ], s = kept, type = "response", newoffset = offset)
  betas <- if (K == 2) list(model$beta) else model$beta
  intercepts <- rbind(model$a0)
  points <- lapply(seq_along(KEPT), function(at) {
    coef <- t(sapply(betas, function(beta) as.numeric(beta[, KEPT[at]])))
    nonzero <- which(t(coef) != 0)
    list(
      intercept = I(unname(intercepts[, KEPT[at]])),
      nonzero = I(nonzero - 1), coef = I(t(coef)[nonzero]),
      probability = if (K == 2) I(unname(probability[, at])) else unname(probability[, , at])
    )
  })
  list(
    data = rows$name, kind = kind, variant = variant, standardize = standardize, thresh = thresh,
    lambda = model$lambda,
    dev_ratio = model$dev.ratio,
    n_nonzero = Reduce(`+`, lapply(betas, function(beta) colSums(as.matrix(beta) != 0))), points = points
  )
}

cases <- list()
add <- function(names, kinds, variants, standardize) {
  for (name in names) for (kind in kinds) for (variant in variants) for (by_deviation in standardize) {
    cases[[length(cases) + 1]] <<- fit_path(c(data[[name]], name = name), kind, variant, by_deviation)
  }
}
ungrouped <- c("lasso", "elastic_net", "ridge")
entrywise <- c("lasso", "elastic_net")
sparse <- setdiff(names(kinds), "ridge")
add(c("iris", "wine"), names(kinds), "plain", c(TRUE, FALSE))
add("breast_cancer", ungrouped, "plain", c(TRUE, FALSE))
add("wide", sparse, "plain", c(TRUE, FALSE))
add("iris", names(kinds), c("factors", "weights", "offset"), c(TRUE, FALSE))
add("wine", sparse, c("factors", "weights", "offset"), TRUE)
add("wide", c("lasso", "grouped_elastic_net"), c("factors", "weights", "offset"), TRUE)
add("breast_cancer", ungrouped, c("factors", "weights", "offset"), TRUE)
add(c("iris", "wine"), entrywise, c("limits", "at_least_0"), c(TRUE, FALSE))
add("breast_cancer", entrywise, c("limits", "at_most_0"), c(TRUE, FALSE))
add("iris", "ridge", c("limits", "at_least_0"), TRUE)

# One strength of all kinds.
at_0.05 <- lapply(kinds, function(kind) {
  do.call(glmnet, c(
    list(data$iris$X, factor(data$iris$y), family = "multinomial", lambda = 0.05, thresh = THRESH[1], maxit = 1e7), kind
  ))$dev.ratio
})

# A line for each value.
as_text <- function(value, indent = "") {
  inner <- paste0(indent, " ")
  if (is.list(value)) {
    named <- !is.null(names(value))
    entries <- vapply(value, as_text, "", indent = inner)
    if (named) entries <- paste0("\"", names(value), "\": ", entries)
    ends <- if (named) c("{", "}") else c("[", "]")
    return(paste0(ends[1], "\n", paste0(inner, entries, collapse = ",\n"), "\n", indent, ends[2]))
  }
  as.character(toJSON(value, digits = I(12), auto_unbox = TRUE, matrix = "rowmajor"))
}
versions <- list(R = as.character(getRversion()), glmnet = as.character(packageVersion("glmnet")))
writeLines(as_text(list(versions = versions, kept = KEPT - 1, iris_at_0.05 = at_0.05, cases = cases)), "glmnet.json")
