-- Words that several questions use.
-- A tag such as sha256-<64 digits of the subject's digest>, perhaps with .sig, .att or .sbom: the
-- referrers tag schema of the OCI distribution specification 1.1, and cosign's. It is no version;
-- but some vendors' rules treat it as any other tag. The variable referrer_tags says which of them
-- are known: all (also where it is not set), signatures (cosign's .sig only), or none.
CREATE MACRO is_referrer_tag(tag) AS
    starts_with(tag, 'sha')
    AND CASE coalesce(getvariable('referrer_tags'), 'all')
        WHEN 'all' THEN regexp_full_match(tag, 'sha(256|512)-[0-9a-f]{64}(\.[A-Za-z0-9_.-]+)?')
        WHEN 'signatures' THEN regexp_full_match(tag, 'sha256-[0-9a-f]{64}\.sig')
        ELSE FALSE
    END;

-- A version in one number: a manifest as one repository holds it.
CREATE MACRO unit_of(place, node) AS (place::BIGINT << 32) | node::BIGINT;
