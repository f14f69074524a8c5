-- Answers: which referrers has each image at one side and not at the other?
-- Parameters: none; tables migration_reach, migration_pairs, migration_there, links, places, nodes,
--             referrer_tags.
-- Columns: place, node (the image's, at the source), repository and destination, digest (of the
--          referrer), subject, side (source: only there; destination: only there).
WITH
subjects AS (
    SELECT DISTINCT
        reach.place, reach.top, places.repository, migration_pairs.destination, nodes.digest
    FROM migration_reach AS reach
    JOIN migration_pairs USING (place)
    JOIN places USING (place)
    JOIN nodes USING (node)
),
-- A list of referrers is how one registry keeps them; what it lists is what counts.
lists AS (
    SELECT DISTINCT place, node FROM referrer_tags WHERE length(tag) = 71
),
referring AS (
    SELECT places.state, places.repository, parent.digest AS subject, child.digest, child.node, links.place
    FROM links
    JOIN places USING (place)
    JOIN nodes AS parent ON parent.node = links.parent
    JOIN nodes AS child ON child.node = links.child
),
told AS (
    SELECT state, repository, subject, digest
    FROM referring
    ANTI JOIN lists USING (place, node)
    UNION
    SELECT referring.state, referring.repository, referring.subject, nodes.digest
    FROM referring
    SEMI JOIN lists USING (place, node)
    JOIN links ON links.parent = referring.node AND links.place IS NULL
    JOIN nodes ON nodes.node = links.child
),
there AS (
    SELECT told.*
    FROM told
    SEMI JOIN migration_there
        ON migration_there.repository = told.repository AND migration_there.digest = told.digest
    WHERE told.state = 1
)
SELECT
    subjects.place,
    subjects.top AS node,
    subjects.repository,
    subjects.destination,
    told.digest,
    told.subject,
    'source' AS side
FROM subjects
JOIN told
    ON told.state = 0
    AND told.repository = subjects.repository
    AND told.subject = subjects.digest
ANTI JOIN there
    ON there.repository = subjects.destination
    AND there.subject = told.subject
    AND there.digest = told.digest
UNION ALL
SELECT
    subjects.place,
    subjects.top,
    subjects.repository,
    subjects.destination,
    there.digest,
    there.subject,
    'destination'
FROM subjects
JOIN there
    ON there.repository = subjects.destination AND there.subject = subjects.digest
ANTI JOIN told
    ON told.state = 0
    AND told.repository = subjects.repository
    AND told.subject = there.subject
    AND told.digest = there.digest
ORDER BY ALL
