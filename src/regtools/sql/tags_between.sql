-- Answers: which tags came, went, or name another image than before, from one state to the next?
-- Parameters: none; tables places, steps(step, before_state, after_state).
-- Columns: step, registry, repository, tag, change (added, removed or moved), before, after (digests).
WITH
named AS (
    SELECT places.state, places.registry, places.repository, tags.tag, tags.digest
    FROM tags
    JOIN places USING (snapshot, repository)
    WHERE NOT is_referrer_tag(tags.tag)
),
earlier AS (
    SELECT steps.step, named.* FROM steps JOIN named ON named.state = steps.before_state
),
later AS (
    SELECT steps.step, named.* FROM steps JOIN named ON named.state = steps.after_state
)
SELECT
    step,
    registry,
    repository,
    tag,
    CASE
        WHEN earlier.state IS NULL THEN 'added'
        WHEN later.state IS NULL THEN 'removed'
        ELSE 'moved'
    END AS change,
    coalesce(earlier.digest, '') AS before,
    coalesce(later.digest, '') AS after
FROM earlier
FULL JOIN later USING (step, registry, repository, tag)
WHERE earlier.state IS NULL OR later.state IS NULL OR earlier.digest <> later.digest
ORDER BY ALL
