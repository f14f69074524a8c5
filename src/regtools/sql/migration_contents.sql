-- Answers: what of the wanted manifests, configs and layers is where at the destination already?
-- Parameters: the variable scope: within which bounds the destination stores a blob once; tables
--             migration_wanted, migration_there, migration_bad, nodes, items.
-- Columns: destination, item, role, size, known (its size), held (in the repository itself), there
--          (in the scope), first (no repository before this one brings it into the scope).
WITH
wanted AS (
    SELECT DISTINCT destination, node FROM migration_wanted
),
named AS (
    SELECT wanted.destination AS repository, nodes.digest, FALSE AS is_there
    FROM wanted
    JOIN nodes USING (node)
    UNION ALL
    SELECT wanted.destination, nodes.config_digest, FALSE
    FROM wanted
    JOIN nodes USING (node)
    UNION ALL
    SELECT wanted.destination, layers.blob, FALSE
    FROM wanted
    JOIN nodes USING (node)
    JOIN layers ON layers.snapshot = nodes.snapshot AND layers.manifest = nodes.digest
    WHERE NOT layers."foreign"
    UNION ALL
    SELECT repository, digest, TRUE FROM migration_there
    UNION ALL
    SELECT there.repository, nodes.config_digest, TRUE
    FROM migration_there AS there
    JOIN nodes USING (node)
    UNION ALL
    SELECT there.repository, layers.blob, TRUE
    FROM migration_there AS there
    JOIN nodes USING (node)
    JOIN layers ON layers.snapshot = nodes.snapshot AND layers.manifest = nodes.digest
    WHERE NOT layers."foreign"
),
each_once AS (
    SELECT
        CASE getvariable('scope')
            WHEN 'registry' THEN ''
            WHEN 'repository' THEN named.repository
            ELSE split_part(named.repository, '/', 1)
        END AS scope,
        named.repository,
        items.item,
        bool_or(NOT named.is_there) AS is_wanted,
        bool_or(named.is_there AND bad.digest IS NULL) AS held
    FROM named
    JOIN items USING (digest)
    LEFT JOIN migration_bad AS bad
        ON bad.repository = named.repository AND bad.digest = named.digest
    GROUP BY named.repository, items.item
),
placed AS (
    SELECT *, bool_or(held) OVER (PARTITION BY scope, item) AS there FROM each_once
)
SELECT
    placed.repository AS destination,
    placed.item,
    items.role,
    items.size,
    items.known,
    placed.held,
    placed.there,
    row_number() OVER (PARTITION BY placed.scope, placed.item ORDER BY placed.repository) = 1
        AS first
FROM placed
JOIN items USING (item)
WHERE placed.is_wanted
