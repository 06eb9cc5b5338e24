//! Statements that may look at every row or sort what they find, each with the reason.

/// Steps that look at every row, and why they may.
pub(super) const WALKS: [(&str, &str); 57] = [
    (
        "operation::LET_GO",
        "those that a registry was at when it died, once at the start",
    ),
    (
        "access_token::OWNERS",
        "all of them, when the authorization server is switched off",
    ),
    ("issuer::ALL", "all of them are asked for, and they are few"),
    ("witness::POLLS", "all of them are asked for"),
    ("witness::ALL", "a row for each registry that serves"),
    ("witness::FORGET", "a row for each registry that serves"),
    (
        "chain::CHAINED",
        "ends at the first record; asked where there is no state, which is once",
    ),
    ("chain::STATE", "the table has one row"),
    (
        "idempotency::DELETE_UNANSWERED",
        "the requests of a quarter of an hour, once at the start",
    ),
    ("catalog::COLUMNS", "the schema, for a backup"),
    ("catalog::REFERENCES", "the schema, for a backup"),
    ("copy::MIGRATIONS_EXIST", "the schema, for a backup"),
    ("copy::NEW_EPOCH", "the table has one row"),
    (
        "restoring::IN_PROGRESS",
        "the schema, asked once at the start",
    ),
    ("master::ROTATION", "the table has one row at most"),
    ("master::COUNT_DONE", "the table has one row at most"),
    ("master::LEAVE", "a row for each master key that there was"),
    ("master::REGISTRIES", "a row for each registry that serves"),
    (
        "master::FORGET_REGISTRIES",
        "a row for each registry that serves",
    ),
    ("sealed::COUNT 0", "everything is sealed anew"),
    ("sealed::COUNT 1", "everything is sealed anew"),
    ("sealed::COUNT 2", "the keys of few groups"),
    ("sealed::COUNT 3", "a key for each purpose"),
    ("sealed::COUNT 4", "everything is sealed anew"),
    ("sealed::COUNT 5", "everything is sealed anew"),
    ("sealed::COUNT 6", "everything is sealed anew"),
    ("sealed::COUNT 7", "a few keys"),
    ("sealed::COUNT 8", "everything is sealed anew"),
    ("authorization::KEYS", "a few keys"),
    (
        "authorization::REVOKED",
        "as many as gateways are told of, all of which are wanted",
    ),
    ("sealed::ELSEWHERE 2", "the keys of few groups"),
    ("sealed::ELSEWHERE 3", "a key for each purpose"),
    ("sealed::PUT 2", "the keys of few groups"),
    ("sealed::PUT 3", "a key for each purpose"),
    ("key::SET_CHECK", "the table has one row"),
    (
        "key::MASTER_KEYS",
        "a row for each master key that there was",
    ),
    (
        "key::DATA_KEYS",
        "a key for each purpose, and all are asked for",
    ),
    (
        "chain::FIRST_SINCE",
        "goes over what is to be pruned, and ends at the first that is not",
    ),
    (
        "usage::ENDING_BY_SILENCE",
        "its index holds only what is asked for",
    ),
    ("usage::LOST", "a row for each group and day, of few groups"),
    (
        "forgetting::PRUNE_LOST",
        "a row for each group and day, of few groups",
    ),
    ("gateway::DELETE_GROUP 7", "the keys of few groups"),
    ("log::WITHDRAW", "joins a table of one row"),
    (
        "rendering::UNRENDERED",
        "its index holds only what is asked for",
    ),
    ("rendering::SET_FORMAT", "the table has one row"),
    (
        "rendering::DISCARD",
        "at the first start with another format, for all",
    ),
    (
        "gateway::GROUPS",
        "there are few groups, and all are asked for",
    ),
    (
        "gateway::DIGEST_KEYS",
        "there are few groups, and the keys of all are asked for",
    ),
    (
        "rekeying::ALL",
        "there is one for each group at most, and few groups",
    ),
    (
        "rekeying::DEPLOYING_KEYS",
        "there are few groups, and the keys of all are asked for",
    ),
    (
        "gateway::GATEWAYS",
        "all of them are asked for: at the start, and where other registries have news",
    ),
    ("installation::KEY_CHECK_OF", "the table has one row"),
    (
        "installation::NEXT_APPLICATION_NUMBER",
        "the table has one row",
    ),
    (
        "installation::TABLE_EXISTS",
        "the schema, asked once at the start",
    ),
    ("log::HEAD", "the table has one row"),
    ("log::CHANGED_GROUPS", "there are few groups"),
    ("log::NEXT_REVISION", "the table has one row"),
];

/// Steps that look at every application: of their kind there is only this one, when a group is deleted.
pub(super) const RARE_WALKS: [(&str, &str); 1] = [(
    "application::LISTING",
    "asked when a group is deleted; the lists of groups have no index",
)];

const ONE_APPLICATION: &str = "sorts the credentials of one application";

/// Steps that sort what they have found, and why they may.
pub(super) const SORTS: [(&str, &str); 17] = [
    ("catalog::COLUMNS", "the schema, for a backup"),
    ("catalog::REFERENCES", "the schema, for a backup"),
    ("key::MASTER_KEYS", "sorts the master keys that there were"),
    ("sealed::ELSEWHERE 2", "sorts the keys of few groups"),
    ("sealed::ELSEWHERE 3", "sorts a key for each purpose"),
    ("master::REGISTRIES", "sorts the registries that serve"),
    ("search::OF_APPLICATION 2", ONE_APPLICATION),
    ("search::OF_APPLICATION 3", ONE_APPLICATION),
    ("search::OF_APPLICATION 4", ONE_APPLICATION),
    ("search::OF_APPLICATION 5", ONE_APPLICATION),
    ("search::OF_APPLICATION 6", ONE_APPLICATION),
    ("search::OF_APPLICATION 7", ONE_APPLICATION),
    ("search::OF_APPLICATION 8", ONE_APPLICATION),
    ("search::OF_APPLICATION 9", ONE_APPLICATION),
    (
        "secret::UNREVOKED_OF_MANY",
        "sorts the secrets of one credential at a time",
    ),
    ("credential::DUE", "sorts a batch to join two halves"),
    ("secret::PASSWORDS", "sorts the passwords of one user name"),
];
