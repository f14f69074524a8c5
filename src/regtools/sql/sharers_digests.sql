-- Answers: which digests begin so?
-- Parameters: $algorithm ('': any), $digits, $most; table items.
-- Columns: digest.
SELECT digest
FROM items
WHERE starts_with(split_part(digest, ':', 2), $digits)
    AND $algorithm IN ('', split_part(digest, ':', 1))
ORDER BY digest
LIMIT $most
