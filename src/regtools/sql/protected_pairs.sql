-- Answers: which manifests does something that runs need?
-- Parameters: none; table protected.
-- Columns: place, node.
SELECT place, node FROM protected ORDER BY place, node
