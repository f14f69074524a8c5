-- Answers: which tags and untagged manifests stay, and why?
-- Parameters: the variable keep_last; tables places, nodes, others, judged, versions.
-- Columns: registry, repository, tag (empty: untagged), digest, reason.
WITH
staying AS (
    SELECT
        judged.place,
        judged.node,
        judged.tag,
        coalesce(
            judged.reason,
            CASE
                WHEN versions.rank IS NULL THEN 'has no date to believe'
                ELSE 'one of the ' || getvariable('keep_last') || ' newest'
            END
        ) AS reason
    FROM judged
    JOIN versions USING (place, node)
    WHERE NOT judged.selected OR versions.leaving = 0
    UNION ALL
    SELECT
        others.place,
        others.node,
        others.tag,
        CASE WHEN follows THEN 'what it is about stays' ELSE 'what it is about is not here' END
    FROM others
    LEFT JOIN held USING (place, node)
    WHERE others.tag IS NOT NULL AND coalesce(held.kept, TRUE)
)
SELECT
    places.registry,
    places.repository,
    coalesce(staying.tag, '') AS tag,
    nodes.digest,
    staying.reason
FROM staying
JOIN places USING (place)
JOIN nodes USING (node)
ORDER BY places.registry, places.repository, tag, nodes.digest
