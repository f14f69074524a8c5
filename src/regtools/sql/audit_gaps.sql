-- Answers: what that a manifest names did the registry say it does not have, or not in that size?
-- Parameters: none; table places.
-- Columns: place, snapshot, digest, code, size (as its manifest says; NULL: it does not).
WITH
named AS (
    SELECT places.place, places.snapshot, problems.reference, problems.code
    FROM problems
    JOIN places USING (snapshot, repository)
    WHERE
        contains(problems.reference, ':')
        AND problems.code IN ('NOT_FOUND', 'CONFIG_MISSING', 'BLOB_MISSING', 'BLOB_SIZE_WRONG')
),
-- Of a config, and of a layer of schema 1 that tells no size, the scan knows the manifest.
own AS (
    SELECT named.place, named.snapshot, manifests.config_digest AS digest, named.code
    FROM named
    JOIN manifests ON manifests.snapshot = named.snapshot AND manifests.digest = named.reference
    WHERE named.code = 'CONFIG_MISSING'
    UNION
    SELECT named.place, named.snapshot, layers.blob, named.code
    FROM named
    JOIN layers ON layers.snapshot = named.snapshot AND layers.manifest = named.reference
    WHERE named.code = 'BLOB_MISSING' AND layers.size IS NULL
    UNION
    SELECT place, snapshot, reference, code
    FROM named
    WHERE code IN ('NOT_FOUND', 'BLOB_SIZE_WRONG')
    UNION
    SELECT named.place, named.snapshot, named.reference, named.code
    FROM named
    ANTI JOIN manifests
        ON manifests.snapshot = named.snapshot AND manifests.digest = named.reference
    WHERE named.code = 'BLOB_MISSING'
),
sizes AS (
    SELECT snapshot, blob AS digest, max(size) AS size, FALSE AS is_config
    FROM layers
    SEMI JOIN own ON own.snapshot = layers.snapshot AND own.digest = layers.blob
    GROUP BY snapshot, blob
    UNION ALL
    SELECT snapshot, config_digest, max(config_size), TRUE
    FROM manifests
    SEMI JOIN own ON own.snapshot = manifests.snapshot AND own.digest = manifests.config_digest
    GROUP BY snapshot, config_digest
)
SELECT
    own.place,
    own.snapshot,
    own.digest,
    CASE
        WHEN own.code = 'NOT_FOUND' THEN 'INDEX_CHILD_MISSING'
        WHEN own.code = 'BLOB_MISSING' AND bool_and(sizes.is_config) THEN 'CONFIG_MISSING'
        ELSE own.code
    END AS code,
    CASE WHEN own.code <> 'NOT_FOUND' THEN max(sizes.size) END AS size
FROM own
LEFT JOIN sizes USING (snapshot, digest)
GROUP BY own.place, own.snapshot, own.digest, own.code
