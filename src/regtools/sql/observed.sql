-- Answers: when was each registry of a state looked at last, what does it say of how it stores, and was
--          all of it read?
-- Parameters: none; table states.
-- Columns: state, registry, taken_at, dedup_scope, complete (what is missing inside a repository is not
--          looked at here).
WITH
troubled AS (
    SELECT DISTINCT snapshot FROM problems
)
SELECT
    states.state,
    snapshots.registry,
    max(snapshots.taken_at) AS taken_at,
    max_by(snapshots.dedup_scope, (snapshots.taken_at, snapshots.snapshot)) AS dedup_scope,
    bool_and(snapshots.complete AND troubled.snapshot IS NULL) AS complete
FROM states
JOIN snapshots ON snapshots.snapshot = states.snapshot
LEFT JOIN troubled ON troubled.snapshot = snapshots.snapshot
GROUP BY states.state, snapshots.registry
