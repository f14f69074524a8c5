-- Words that several questions use.
-- A tag such as sha256-<64 digits of the subject's digest>, perhaps with .sig, .att or .sbom: the
-- referrers tag schema of the OCI distribution specification 1.1, and cosign's. It is no version;
-- but some vendors' rules treat it as any other tag: then the variable plain_tags is true.
CREATE TEMP MACRO is_referrer_tag(tag) AS
    NOT coalesce(getvariable('plain_tags'), FALSE)
    AND starts_with(tag, 'sha')
    AND regexp_full_match(tag, 'sha(256|512)-[0-9a-f]{64}(\.[A-Za-z0-9_.-]+)?');
