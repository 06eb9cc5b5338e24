//! Claims about how PostgreSQL finds things. Its planner reads a small table as a whole whatever indexes there are, so it is
//! asked what it would do if that were dear: what it still reads as a whole has no index.

use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, Row as _};

use super::{
    plans::{RARE_WALKS, WALKS, fill, statements},
    *,
};

/// What SQLite finds by an index and PostgreSQL reads as a whole, and why it may.
const MORE_WALKS: [(&str, &str); 0] = [];

/// How many parameters the statement takes.
fn parameters(sql: &str) -> usize {
    let numbers = sql.split('$').skip(1).filter_map(|rest| {
        let digits = rest.split(|it: char| !it.is_ascii_digit()).next()?;
        digits.parse().ok()
    });
    numbers.max().unwrap_or(0)
}

/// Prepares the statement. Of which type a parameter is that is only compared with nothing, the registry says when it binds
/// it: here it is text.
async fn prepare(connection: &mut PgConnection, sql: &str) -> Result<usize, String> {
    let mut types = vec!["unknown"; parameters(sql)];
    loop {
        let list = if types.is_empty() {
            String::new()
        } else {
            format!("({})", types.join(", "))
        };
        let text = format!("prepare it{list} as {sql}");
        let Err(error) = connection.execute(AssertSqlSafe(text)).await else {
            return Ok(types.len());
        };
        let said = error.to_string();
        let unknown = said.split("data type of parameter $").nth(1);
        let unknown = unknown.and_then(|rest| rest.trim().parse::<usize>().ok());
        match unknown {
            Some(number) if types[number - 1] == "unknown" => types[number - 1] = "text",
            _ => return Err(said),
        }
    }
}

async fn plan(connection: &mut PgConnection, sql: &str) -> Result<Value, String> {
    let count = prepare(connection, sql).await?;
    let values = vec!["null"; count].join(", ");
    let arguments = if count == 0 {
        String::new()
    } else {
        format!("({values})")
    };
    let explain = format!("explain (format json) execute it{arguments}");
    let row = sqlx::raw_sql(AssertSqlSafe(explain))
        .fetch_one(&mut *connection)
        .await;
    let text: String = row.unwrap().get_unchecked(0);
    connection.execute("deallocate it").await.unwrap();
    Ok(serde_json::from_str(&text).unwrap())
}

/// The tables that the plan reads as a whole.
fn walks(plan: &Value) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(kind) = plan["Node Type"].as_str() {
        let reads_all =
            kind == "Seq Scan" || (kind.starts_with("Index") && plan["Index Cond"].is_null());
        if reads_all {
            found.push(format!("{kind} of {}", plan["Relation Name"]));
        }
    }
    let parts: Vec<&Value> = match plan {
        Value::Array(parts) => parts.iter().collect(),
        Value::Object(parts) => parts.values().collect(),
        _ => Vec::new(),
    };
    found.extend(parts.into_iter().flat_map(walks));
    found
}

#[tokio::test]
async fn no_statement_reads_a_whole_table() {
    let world = fill(World::postgres().await).await;
    let pool = world.store.postgres();
    let mut connection = PgConnection::connect_with(&pool.connect_options())
        .await
        .unwrap();
    for setting in [
        "analyze",
        "set enable_seqscan = off",
        "set plan_cache_mode = force_generic_plan",
    ] {
        connection.execute(setting).await.unwrap();
    }
    let mut wrong = Vec::new();
    for (name, sql) in statements() {
        let may_walk = WALKS
            .iter()
            .chain(&RARE_WALKS)
            .chain(&MORE_WALKS)
            .any(|(known, _)| *known == name);
        match plan(&mut connection, sql.postgres).await {
            Err(said) => wrong.push((name, vec![said])),
            Ok(plan) => {
                let walks = walks(&plan);
                if !walks.is_empty() && !may_walk {
                    wrong.push((name, walks));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
