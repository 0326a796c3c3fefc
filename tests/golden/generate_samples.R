# Golden values for few clusters and for multiple imputations: Rscript generate_samples.R. See readme.md.
suppressPackageStartupMessages({
  library(clubSandwich)
  library(mice)
  library(mitml)
  library(jsonlite)
})
options(digits = 17, contrasts = c("contr.treatment", "contr.poly"))
packages <- c("clubSandwich", "mice", "mitml", "jsonlite")
golden <- list(versions = c(
  list(R = as.character(getRversion())),
  sapply(packages, function(name) as.character(packageVersion(name)), simplify = FALSE)
))
read_data <- function(name) read.csv(file.path("data", paste0(name, ".csv")), check.names = FALSE)

# Newton's method as least squares: rows times a root of their information, which linear models of them understand.
whitened <- function(X, y, classes) {
  q <- length(classes) - 1
  beta <- numeric(q * ncol(X))
  observed <- outer(y, classes[-1], "==") * 1
  blocks <- lapply(seq_len(nrow(X)), function(i) kronecker(diag(q), X[i, , drop = FALSE]))
  for (step in 1:30) {
    eta <- X %*% matrix(beta, ncol = q)
    mean <- exp(eta) / (1 + rowSums(exp(eta)))
    roots <- lapply(seq_len(nrow(X)), function(i) chol(diag(mean[i, ], q) - outer(mean[i, ], mean[i, ])))
    design <- do.call(rbind, Map("%*%", roots, blocks))
    residual <- unlist(Map(
      function(root, i) forwardsolve(t(root), observed[i, ] - mean[i, ]), roots, seq_len(nrow(X))
    ))
    change <- qr.coef(qr(design), residual)
    if (max(abs(change)) < 1e-13 * (1 + max(abs(beta)))) break
    beta <- beta + change
  }
  list(coef = beta, design = design, response = as.vector(design %*% beta) + residual, q = q)
}

# Few clusters.

clustered <- function(X, y, classes, clusters, terms) {
  fit <- whitened(X, y, classes)
  frame <- data.frame(response = fit$response)
  frame$design <- fit$design
  linear <- lm(response ~ design - 1, frame)
  V <- vcovCR(linear, cluster = rep(clusters, each = fit$q), type = "CR2")
  single <- coef_test(linear, V, test = "Satterthwaite")
  joint <- lapply(terms, function(columns) {
    places <- as.vector(outer(columns, (seq_len(fit$q) - 1) * ncol(X), "+"))
    test <- Wald_test(linear, constrain_zero(places), V, test = "HTZ")
    list(F = test$Fstat, df1 = test$df_num, df2 = test$df_denom, p_value = test$p_val)
  })
  list(
    estimate = matrix(coef(linear), nrow = fit$q, byrow = TRUE), covariance = unclass(V)[, ],
    df = matrix(single$df, nrow = fit$q, byrow = TRUE),
    p_value = matrix(single$p_Satt, nrow = fit$q, byrow = TRUE), terms = joint
  )
}

women <- read_data("womenlf")
X <- model.matrix(~ hincome + children, women)
golden$few_clusters$women <- clustered(
  X, women$partic, c("not.work", "parttime", "fulltime"), women$region, list(hincome = 2, children = 3)
)
golden$few_clusters$women_binary <- clustered(
  X, women$partic == "fulltime", c(FALSE, TRUE), women$region, list(both = 2:3)
)
chile <- read_data("chile")
X <- model.matrix(~ age + statusquo + sex, chile)
golden$few_clusters$chile <- clustered(
  X, chile$vote, c("A", "N", "U", "Y"), paste(chile$region, chile$population),
  list(age = 2, statusquo = 3, sex = 4)
)
# Where rows of a cluster have one probability, clubSandwich's root of a glm is the symmetric one.
constant <- glm(vote == "Y" ~ population, binomial, chile, control = list(epsilon = 1e-14, maxit = 100))
V <- vcovCR(constant, cluster = paste(chile$population), type = "CR2")
golden$few_clusters$constant <- list(
  estimate = unname(coef(constant)), covariance = unclass(V)[, ],
  df = coef_test(constant, V, test = "Satterthwaite")$df
)

# Multiple imputations: a fourth of the incomes is taken to be missing, and given five values each, evenly spread.

places <- seq_len(nrow(women))
imputed <- women[c("partic", "hincome", "children")]
for (m in 1:5) {
  spread <- ((places * 5 + m) * (sqrt(5) - 1) / 2) %% 1
  imputed[paste0("hincome", m)] <- ifelse(places %% 4 == 0, round(3 + 24 * spread), women$hincome)
}
write.csv(imputed[-2], "data/womenlf_imputed.csv", row.names = FALSE, quote = FALSE)
imputed <- read_data("womenlf_imputed")

summarised <- function(coefs, covariances, df_complete, terms) {
  test <- function(places) {
    ask <- function(df) {
      test <- testConstraints(
        qhat = coefs, uhat = covariances, constraints = names(coefs[[1]])[places], method = "D1", df.com = df
      )$test
      list(F = test[1], df1 = test[2], df2 = test[3], p_value = test[4])
    }
    list(finite = ask(df_complete), infinite = ask(NULL))
  }
  table <- sapply(seq_along(coefs[[1]]), function(k) {
    one <- pool.scalar(
      sapply(coefs, "[", k), sapply(covariances, function(V) V[k, k]), n = df_complete + 1, k = 1
    )
    old <- pool.scalar(sapply(coefs, "[", k), sapply(covariances, function(V) V[k, k]), n = Inf)
    c(
      estimate = one$qbar, std_error = sqrt(one$t), df = one$df, fmi = one$fmi, df_infinite = old$df,
      fmi_infinite = old$fmi
    )
  })
  list(table = as.data.frame(t(table)), df_complete = df_complete, tests = lapply(terms, test))
}
binary <- lapply(1:5, function(m) {
  frame <- data.frame(y = imputed$partic == "fulltime", income = imputed[[paste0("hincome", m)]], imputed["children"])
  glm(y ~ income + children, binomial, frame, control = list(epsilon = 1e-14, maxit = 100))
})
golden$pooled$binary <- summarised(
  lapply(binary, coef), lapply(binary, vcov), binary[[1]]$df.residual, list(income = 2, both = 2:3)
)
# mice itself, whose pool() asks broom for the table.
whole <- pool(as.mira(binary))$pooled
stopifnot(all.equal(whole$df, golden$pooled$binary$table$df, tolerance = 1e-6))
stopifnot(all.equal(whole$fmi, golden$pooled$binary$table$fmi, tolerance = 1e-6))
several <- lapply(1:5, function(m) {
  X <- cbind(1, imputed[[paste0("hincome", m)]], imputed$children == "present")
  fit <- whitened(X, imputed$partic, c("not.work", "parttime", "fulltime"))
  names(fit$coef) <- paste0("b", seq_along(fit$coef))
  covariance <- solve(crossprod(fit$design))
  dimnames(covariance) <- list(names(fit$coef), names(fit$coef))
  list(coef = fit$coef, covariance = covariance)
})
golden$pooled$several <- summarised(
  lapply(several, "[[", "coef"), lapply(several, "[[", "covariance"), nrow(imputed) - 6,
  list(income = c(2, 5), both = c(2, 3, 5, 6))
)

write(toJSON(golden, digits = I(17), auto_unbox = TRUE, matrix = "rowmajor", pretty = TRUE), "r_samples.json")
