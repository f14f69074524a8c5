-- Answers: what is reached at all?
-- Parameters: none; table migration_reach.
-- Columns: place, node.
SELECT DISTINCT place, node FROM migration_reach
