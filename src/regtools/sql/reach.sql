-- Answers: what does each root reach, through indexes and referrers down to the blobs, each once?
-- Parameters: none; tables places, nodes, links, roots, items.
-- Columns: root, item, stored (false: only as foreign layer), pulled (by one linux/amd64 client),
--          own (not only through a referrer).
WITH RECURSIVE
tops AS (
    SELECT DISTINCT root, context, node FROM roots WHERE node IS NOT NULL
),
-- UNION keeps each manifest once for a root, so even a cycle comes to its end. Most roots lead to
-- nothing: only the others take part, since what a recursion holds it holds in memory.
reached AS (
    SELECT root, context, node, TRUE AS own
    FROM tops
    SEMI JOIN links ON links.parent = tops.node
    UNION
    SELECT reached.root, reached.context, links.child, reached.own AND links.place IS NULL
    FROM reached
    JOIN links
        ON links.parent = reached.node
        AND (links.place IS NULL OR links.place = reached.context)
),
edges AS (
    SELECT parent, child, platform, attests FROM links WHERE place IS NULL
),
-- What a linux/amd64 client takes of an index: its platform, else an index inside that may hold
-- it, else the first platform by name.
choices AS (
    SELECT
        edges.parent,
        edges.child,
        nodes.digest,
        coalesce(edges.platform, nodes.platform) AS platform,
        inner_indexes.parent IS NOT NULL AS is_index
    FROM edges
    JOIN nodes ON nodes.node = edges.child
    LEFT JOIN (SELECT DISTINCT parent FROM edges) AS inner_indexes
        ON inner_indexes.parent = edges.child
    WHERE NOT edges.attests
),
chosen AS (
    SELECT parent, child
    FROM choices
    QUALIFY row_number() OVER (
        PARTITION BY parent
        ORDER BY
            CASE
                WHEN platform = 'linux/amd64' THEN 0
                WHEN starts_with(platform, 'linux/amd64/') THEN 1
                WHEN is_index THEN 2
                ELSE 3
            END,
            platform NULLS LAST,
            digest
    ) = 1
),
pulled AS (
    SELECT root, node FROM tops SEMI JOIN chosen ON chosen.parent = tops.node
    UNION
    SELECT pulled.root, chosen.child
    FROM pulled
    JOIN chosen ON chosen.parent = pulled.node
),
manifests_of AS (
    SELECT root, node, TRUE AS own, TRUE AS pulled FROM tops
    UNION ALL
    SELECT reached.root, reached.node, reached.own, pulled.node IS NOT NULL
    FROM reached
    LEFT JOIN pulled ON pulled.root = reached.root AND pulled.node = reached.node
),
contents AS (
    SELECT nodes.node, items.item, TRUE AS stored
    FROM nodes
    JOIN items ON items.digest = nodes.digest
    UNION ALL
    SELECT nodes.node, items.item, TRUE
    FROM nodes
    JOIN items ON items.digest = nodes.config_digest
    UNION ALL
    SELECT nodes.node, items.item, NOT layers."foreign"
    FROM layers
    JOIN nodes ON nodes.snapshot = layers.snapshot AND nodes.digest = layers.manifest
    JOIN items ON items.digest = layers.blob
)
SELECT
    root,
    item,
    bool_or(stored) AS stored,
    bool_or(pulled) AS pulled,
    bool_or(own) AS own
FROM manifests_of
JOIN contents USING (node)
GROUP BY root, item
