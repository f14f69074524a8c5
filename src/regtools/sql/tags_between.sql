-- Answers: which tags came, went, or name another image than before?
-- Parameters: none; tables places, tagged, nodes (two states).
-- Columns: registry, repository, tag, change (added, removed or moved), before, after (digests).
WITH
named AS (
    SELECT
        places.state,
        places.registry,
        places.repository,
        tagged.tag,
        coalesce(nodes.digest, tagged.unread) AS digest
    FROM tagged
    JOIN places USING (place)
    LEFT JOIN nodes USING (node)
    WHERE NOT tagged.refers
)
SELECT
    coalesce(after.registry, before.registry) AS registry,
    coalesce(after.repository, before.repository) AS repository,
    coalesce(after.tag, before.tag) AS tag,
    CASE
        WHEN before.tag IS NULL THEN 'added'
        WHEN after.tag IS NULL THEN 'removed'
        ELSE 'moved'
    END AS change,
    coalesce(before.digest, '') AS before,
    coalesce(after.digest, '') AS after
FROM (FROM named WHERE state = 2) AS after
FULL JOIN (FROM named WHERE state = 1) AS before
    ON after.registry = before.registry
    AND after.repository = before.repository
    AND after.tag = before.tag
WHERE before.tag IS NULL OR after.tag IS NULL OR before.digest <> after.digest
ORDER BY ALL
