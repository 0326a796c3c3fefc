# Sourced by the scripts that Python starts (see r_process.py): reads the rows from the folder that is the first argument,
# and leaves X, y (codes from 0), n, p, K and the arguments that are the script's own, `given`.
given <- commandArgs(trailingOnly = TRUE)
folder <- given[1]
n <- as.integer(given[2])
p <- as.integer(given[3])
K <- as.integer(given[4])
entries <- as.integer(given[5])
given <- given[-(1:5)]

numbers <- function(name, count, what = "double") {
  readBin(file.path(folder, name), what, count, size = if (what == "integer") 4L else 8L)
}
X <- if (entries > 0) {
  Matrix::sparseMatrix(
    i = numbers("indices", entries, "integer"), p = numbers("indptr", p + 1L, "integer"),
    x = numbers("X", entries), dims = c(n, p), index1 = FALSE
  )
} else {
  matrix(numbers("X", n * p), n, p)
}
y <- numbers("y", n, "integer")
