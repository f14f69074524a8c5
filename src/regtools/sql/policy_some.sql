-- Answers: what does a vendor's rule see of some repositories?
-- Parameters: $first, $last: numbers of places; table policy_versions.
-- Columns: those of policy_versions.
SELECT *
FROM policy_versions
WHERE place BETWEEN $first AND $last
ORDER BY registry, repository, digest
