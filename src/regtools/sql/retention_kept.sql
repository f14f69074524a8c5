-- Answers: which tags and untagged manifests stay, and why?
-- Parameters: the variable keep_last; tables places, nodes, others, judged, versions, held, protected.
-- Columns: registry, repository, tag (empty: untagged), digest, reason.
WITH
staying AS (
    SELECT
        judged.place,
        judged.node,
        judged.tag,
        nodes.digest,
        coalesce(
            judged.reason,
            CASE
                WHEN versions.rank IS NULL THEN 'has no date to believe'
                ELSE 'one of the ' || getvariable('keep_last') || ' newest'
            END
        ) AS reason
    FROM judged
    JOIN versions USING (place, node)
    JOIN nodes USING (node)
    WHERE NOT judged.selected OR versions.leaving = 0
    UNION ALL
    SELECT
        others.place,
        others.node,
        others.tag,
        others.digest,
        CASE
            WHEN protected.node IS NOT NULL THEN 'in use'
            WHEN others.goes_along THEN 'what it is about stays'
            ELSE 'what it is about is not here'
        END
    FROM others
    JOIN held USING (place, node)
    LEFT JOIN protected USING (place, node)
    WHERE others.tag IS NOT NULL AND held.kept
    UNION ALL
    SELECT places.place, NULL, tags.tag, tags.digest, 'could not be read'
    FROM tags
    JOIN places USING (snapshot, repository)
    ANTI JOIN nodes ON nodes.scan = places.scan AND nodes.digest = tags.digest
)
SELECT
    places.registry,
    places.repository,
    coalesce(staying.tag, '') AS tag,
    staying.digest,
    staying.reason
FROM staying
JOIN places USING (place)
ORDER BY places.registry, places.repository, tag, staying.digest
