-- Answers: how often was each repository pulled, by the registry's own counter, between the oldest
--          and the newest of these snapshots that tell it?
-- Parameters: none.
-- Columns: registry, repository, pulls, days (between the two; 0: told once), counted (the newest
--          snapshot tells it).
WITH
told AS (
    SELECT snapshots.registry, repositories.repository, repositories.pulls, snapshots.taken_at
    FROM repositories
    JOIN snapshots USING (snapshot)
),
newest AS (
    SELECT registry, repository, arg_max(pulls IS NOT NULL, taken_at) AS counted
    FROM told
    GROUP BY registry, repository
)
SELECT
    registry,
    repository,
    -- A repository that was deleted and made anew counts from zero again.
    greatest(arg_max(told.pulls, told.taken_at) - arg_min(told.pulls, told.taken_at), 0) AS pulls,
    (epoch(max(told.taken_at)) - epoch(min(told.taken_at))) / 86400.0 AS days,
    any_value(newest.counted) AS counted
FROM told
JOIN newest USING (registry, repository)
WHERE told.pulls IS NOT NULL
GROUP BY registry, repository
ORDER BY registry, repository
