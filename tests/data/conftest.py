"""What is here beside tests: scripts that tests run in processes of their own."""

collect_ignore = ["stress"]
