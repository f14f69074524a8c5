-- Answers: what does each root reach, through indexes in indexes down to the blobs, each once?
-- Parameters: none; tables places, roots, items.
-- Columns: root, item, stored (false: only as foreign layer), pulled (by one linux/amd64 client).
WITH RECURSIVE
-- What a snapshot could not read is missing there, even where another snapshot has it: content
-- is looked up by scan and item.
scans AS (
    SELECT snapshot, row_number() OVER (ORDER BY snapshot) AS scan FROM snapshots
),
nodes AS (
    SELECT scans.scan, own.item, config.item AS config, manifests.platform
    FROM manifests
    JOIN scans USING (snapshot)
    JOIN items AS own ON own.digest = manifests.digest
    LEFT JOIN items AS config ON config.digest = manifests.config_digest
),
edges AS (
    SELECT
        scans.scan,
        parent.item AS parent,
        child.item AS child,
        children.platform,
        coalesce(children.attests IS NOT NULL OR children.platform = 'unknown/unknown', FALSE)
            AS attests
    FROM children
    JOIN scans USING (snapshot)
    JOIN items AS parent ON parent.digest = children.parent
    JOIN items AS child ON child.digest = children.child
),
tops AS (
    SELECT DISTINCT roots.root, scans.scan, items.item
    FROM roots
    JOIN places USING (place)
    JOIN scans USING (snapshot)
    JOIN items ON items.digest = roots.digest
),
-- UNION keeps each manifest once for a root, so even a cycle comes to its end.
reached AS (
    SELECT root, scan, item FROM tops
    UNION
    SELECT reached.root, reached.scan, edges.child
    FROM reached
    JOIN edges ON edges.scan = reached.scan AND edges.parent = reached.item
),
-- What a linux/amd64 client takes of an index: its platform, else an index inside that may hold
-- it, else the first platform by name.
choices AS (
    SELECT
        edges.scan,
        edges.parent,
        edges.child,
        coalesce(edges.platform, nodes.platform) AS platform,
        inner_indexes.parent IS NOT NULL AS is_index
    FROM edges
    LEFT JOIN nodes ON nodes.scan = edges.scan AND nodes.item = edges.child
    LEFT JOIN (SELECT DISTINCT scan, parent FROM edges) AS inner_indexes
        ON inner_indexes.scan = edges.scan AND inner_indexes.parent = edges.child
    WHERE NOT edges.attests
),
chosen AS (
    SELECT scan, parent, child
    FROM choices
    QUALIFY row_number() OVER (
        PARTITION BY scan, parent
        ORDER BY
            CASE
                WHEN platform = 'linux/amd64' THEN 0
                WHEN starts_with(platform, 'linux/amd64/') THEN 1
                WHEN is_index THEN 2
                ELSE 3
            END,
            platform NULLS LAST,
            child
    ) = 1
),
pulled AS (
    SELECT root, scan, item FROM tops
    UNION
    SELECT pulled.root, pulled.scan, chosen.child
    FROM pulled
    JOIN chosen ON chosen.scan = pulled.scan AND chosen.parent = pulled.item
),
manifests_of AS (
    SELECT reached.root, reached.scan, reached.item, pulled.item IS NOT NULL AS pulled
    FROM reached
    LEFT JOIN pulled ON pulled.root = reached.root AND pulled.item = reached.item
),
blobs AS (
    SELECT scans.scan, own.item AS manifest, blob.item, NOT layers."foreign" AS stored
    FROM layers
    JOIN scans USING (snapshot)
    JOIN items AS own ON own.digest = layers.manifest
    JOIN items AS blob ON blob.digest = layers.blob
    UNION ALL
    SELECT scan, item, config, TRUE FROM nodes WHERE config IS NOT NULL
),
held AS (
    SELECT manifests_of.root, nodes.item, TRUE AS stored, manifests_of.pulled
    FROM manifests_of
    JOIN nodes USING (scan, item)
    UNION ALL
    SELECT manifests_of.root, blobs.item, blobs.stored, manifests_of.pulled
    FROM manifests_of
    JOIN blobs ON blobs.scan = manifests_of.scan AND blobs.manifest = manifests_of.item
)
SELECT root, item, bool_or(stored) AS stored, bool_or(pulled) AS pulled
FROM held
GROUP BY root, item
