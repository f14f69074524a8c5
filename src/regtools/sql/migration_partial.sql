-- Answers: of which tags, that are equal at the destination, is something below missing there?
-- Parameters: none; tables migration_reach, migration_there, migration_pairs, nodes, audit_gaps,
--             migration_bad(repository, digest).
-- Columns: place, node, missing (digests, at most some), number.
WITH
wanted AS (
    SELECT reach.place, reach.top, reach.node, nodes.digest, migration_pairs.destination
    FROM migration_reach AS reach
    JOIN migration_pairs USING (place)
    JOIN nodes USING (node)
    WHERE reach.own
),
contents AS (
    SELECT wanted.place, wanted.top, wanted.destination, nodes.config_digest AS digest
    FROM wanted
    JOIN nodes USING (node)
    WHERE nodes.config_digest IS NOT NULL
    UNION
    SELECT wanted.place, wanted.top, wanted.destination, layers.blob
    FROM wanted
    JOIN nodes USING (node)
    JOIN layers ON layers.snapshot = nodes.snapshot AND layers.manifest = nodes.digest
),
missing AS (
    SELECT wanted.place, wanted.top, wanted.digest
    FROM wanted
    ANTI JOIN migration_there
        ON migration_there.repository = wanted.destination
        AND migration_there.digest = wanted.digest
    UNION
    SELECT contents.place, contents.top, contents.digest
    FROM contents
    JOIN migration_bad
        ON migration_bad.repository = contents.destination
        AND migration_bad.digest = contents.digest
)
SELECT
    place,
    top AS node,
    list_slice(list_sort(list(digest)), 1, 3) AS missing,
    count(*) AS number
FROM missing
GROUP BY place, top
