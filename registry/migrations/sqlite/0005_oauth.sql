-- Who issues access tokens, as gateways are told of them. Numbers are never used again; without a record it is told that the
-- issuer is gone.
create table issuers (
    number bigint primary key not null,
    name text not null unique,
    record blob
);

alter table changes add column issuer_number bigint;
