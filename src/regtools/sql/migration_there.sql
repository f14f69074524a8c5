-- Answers: which manifests does each repository of the destination hold whole, as far as is known?
-- Parameters: none; tables places, links, tagged, untagged_here, nodes, audit_gaps.
-- Columns: place, repository, node, digest.
WITH RECURSIVE
tops AS (
    SELECT place, node FROM tagged WHERE node IS NOT NULL
    UNION
    SELECT place, node FROM untagged_here WHERE node IS NOT NULL
),
held AS (
    SELECT tops.place, tops.node
    FROM tops
    JOIN places USING (place)
    WHERE places.state = 1
    UNION
    SELECT held.place, links.child
    FROM held
    JOIN links
        ON links.parent = held.node
        AND (links.place IS NULL OR links.place = held.place)
)
SELECT held.place, places.repository, held.node, nodes.digest
FROM held
JOIN places USING (place)
JOIN nodes USING (node)
ANTI JOIN audit_gaps
    ON audit_gaps.place = held.place
    AND audit_gaps.digest = nodes.digest
    AND audit_gaps.code = 'INDEX_CHILD_MISSING'
