-- Answers: which tags, and which untagged manifests, go, and by which rule?
-- Parameters: none; tables places, nodes, others, judged (with the column rule), versions, held.
-- Columns: registry, repository, tag (empty: untagged), digest, rule.
WITH
leaving AS (
    SELECT judged.place, judged.node, judged.tag, judged.rule
    FROM judged
    JOIN versions USING (place, node)
    WHERE judged.selected AND versions.leaving > 0
    UNION ALL
    SELECT others.place, others.node, others.tag, 'what it is about goes'
    FROM others
    JOIN held USING (place, node)
    WHERE others.goes_along AND NOT held.kept
)
SELECT
    places.registry,
    places.repository,
    coalesce(leaving.tag, '') AS tag,
    nodes.digest,
    leaving.rule
FROM leaving
JOIN places USING (place)
JOIN nodes USING (node)
ORDER BY places.registry, places.repository, tag, nodes.digest
