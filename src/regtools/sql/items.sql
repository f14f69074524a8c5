-- Answers: what is stored under each digest? Digests get whole numbers, which join faster.
-- Parameters: none.
-- Columns: item, digest, role (manifest, layer or config), media_type, size, known.
WITH
named AS (
    SELECT digest, 'manifest' AS role, media_type, size FROM manifests
    UNION ALL
    SELECT config_digest, 'config', NULL, config_size
    FROM manifests
    WHERE config_digest IS NOT NULL
    UNION ALL
    SELECT blob, 'layer', media_type, size FROM layers
)
SELECT
    (row_number() OVER (ORDER BY digest))::INTEGER AS item,
    digest,
    -- One digest may be named as several things. Alphabet and importance happen to agree.
    max(role) AS role,
    coalesce(max(media_type), '') AS media_type,
    -- Schema 1 does not tell sizes; another manifest with the same layer may.
    coalesce(max(size), 0) AS size,
    max(size) IS NOT NULL AS known
FROM named
GROUP BY digest
ORDER BY item
