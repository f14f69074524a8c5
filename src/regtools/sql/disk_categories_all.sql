-- Answers: every blob on the disk with its category, the largest first.
-- Parameters: none; table disk_categories.
-- Columns: those of disk_categories.
SELECT * FROM disk_categories
ORDER BY bytes DESC, digest
