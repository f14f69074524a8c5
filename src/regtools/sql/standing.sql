-- Answers: what do images stand on: each image's chain of layers, cut after every layer?
-- Parameters: none; tables items, images.
-- Columns: those of images, item (the last layer of the chain), position, depth (its layers), chain
--          (equal chains have equal numbers), bytes (of what is stored here), known, following (the
--          item after it; NULL: the image ends here).
WITH
rows_of_images AS (
    SELECT DISTINCT
        images.node,
        layers.position,
        items.item,
        items.known,
        layers."foreign",
        items.size
    FROM (SELECT DISTINCT node, digest FROM images) AS images
    JOIN layers ON layers.manifest = images.digest
    JOIN items ON items.digest = layers.blob
),
-- A layer listed twice is stored once.
once AS (
    SELECT
        *,
        CASE
            WHEN NOT "foreign"
                AND row_number() OVER (PARTITION BY node, item, "foreign" ORDER BY position) = 1
                THEN size
            ELSE 0
        END AS bytes
    FROM rows_of_images
),
prefixes AS (
    SELECT
        node,
        item,
        position,
        count(*) OVER chain AS depth,
        md5_number(string_agg(item::VARCHAR, ' ') OVER chain) AS chain,
        sum(bytes) OVER chain AS bytes,
        bool_and(known) OVER chain AS known,
        lead(item) OVER (PARTITION BY node ORDER BY position) AS following
    FROM once
    WINDOW chain AS (
        PARTITION BY node ORDER BY position ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    )
)
SELECT images.*, prefixes.* EXCLUDE (node)
FROM images
JOIN prefixes USING (node)
