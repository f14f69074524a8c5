-- Answers: which repositories does each side of a migration have?
-- Parameters: none; table places.
-- Columns: state (0: the source, 1: the destination), place, repository.
SELECT state, place, repository FROM places
ORDER BY state, repository
