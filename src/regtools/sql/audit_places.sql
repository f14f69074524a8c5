-- Answers: which repositories are there?
-- Parameters: none; table places.
-- Columns: place, registry, repository.
SELECT place, registry, repository FROM places
