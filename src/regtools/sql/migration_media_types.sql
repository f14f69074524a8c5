-- Answers: what are the wanted manifests?
-- Parameters: none; table migration_wanted.
-- Columns: node, media_type.
SELECT DISTINCT node, media_type FROM migration_wanted
