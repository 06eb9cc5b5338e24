//! Databases on the process's server, made and dropped by one thread.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    path::Path,
    str::FromStr as _,
    sync::{OnceLock, mpsc},
    thread,
};

use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, PgConnection, Row as _,
    migrate::Migrator, postgres::PgConnectOptions,
};
use tokio::sync::oneshot;

use crate::server::Server;

const MIGRATIONS: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../registry/migrations/postgres"
);
/// Of two processes that want the same template, one makes it.
const MAKE_TEMPLATE: &str = "select pg_advisory_lock(4711)";
const END_OTHERS: &str = "select pg_terminate_backend(pid, 10000) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()";
/// Without the checks of references, in any order.
const EMPTY: &str = "do $$
    declare t text;
    begin
        set local session_replication_role = replica;
        for t in select tablename from pg_tables where schemaname = 'public' and tablename <> '_sqlx_migrations' loop
            execute format('delete from %I', t);
        end loop;
    end $$";
const TEMPLATE_MADE: &str = "select pg_advisory_unlock(4711)";

/// A database, dropped with this value.
#[derive(Debug)]
pub struct Database {
    name: String,
    url: String,
    migrated: bool,
    clerk: mpsc::Sender<Order>,
}

impl Database {
    /// A new database with the registry's tables, which are empty.
    pub async fn migrated() -> Self {
        Self::make(true).await
    }

    /// A new database with nothing in it.
    pub async fn empty() -> Self {
        Self::make(false).await
    }

    /// A database with what this one holds now. Whoever uses this one meanwhile is thrown out.
    pub async fn copy(&self) -> Self {
        let clerk = clerk();
        let (answer, made) = oneshot::channel();
        let of = self.name.clone();
        clerk.send(Order::Copy { of, answer }).unwrap();
        let (name, url) = made.await.expect("the database could not be copied");
        Self {
            name,
            url,
            migrated: false,
            clerk,
        }
    }

    /// How it is reached.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its name on the server.
    pub fn name(&self) -> &str {
        &self.name
    }

    async fn make(migrated: bool) -> Self {
        let clerk = clerk();
        let (answer, made) = oneshot::channel();
        clerk.send(Order::Make { migrated, answer }).unwrap();
        let (name, url) = made.await.expect("the database could not be made");
        Self {
            name,
            url,
            migrated,
            clerk,
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let name = std::mem::take(&mut self.name);
        let _ = self.clerk.send(if self.migrated {
            Order::TakeBack(name)
        } else {
            Order::Drop(name)
        });
    }
}

#[derive(Debug)]
enum Order {
    Make {
        migrated: bool,
        answer: oneshot::Sender<(String, String)>,
    },
    Copy {
        of: String,
        answer: oneshot::Sender<(String, String)>,
    },
    Drop(String),
    TakeBack(String),
}

fn clerk() -> mpsc::Sender<Order> {
    static CLERK: OnceLock<mpsc::Sender<Order>> = OnceLock::new();
    let clerk = CLERK.get_or_init(|| {
        let (sender, orders) = mpsc::channel();
        thread::spawn(move || work(&orders));
        sender
    });
    clerk.clone()
}

/// Runs as long as the process: each test has a runtime of its own, which ends with it.
fn work(orders: &mpsc::Receiver<Order>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let given = std::env::var("TEST_POSTGRES_URL").ok();
    let own = given.is_none().then(Server::start);
    let url = given.unwrap_or_else(|| own.as_ref().unwrap().url("postgres"));
    let options = PgConnectOptions::from_str(&url).expect("TEST_POSTGRES_URL");
    runtime.block_on(async {
        let connected = PgConnection::connect_with(&options).await;
        let mut connection =
            connected.unwrap_or_else(|error| panic!("the PostgreSQL server for tests: {error}"));
        let mut template = None;
        let mut spare: Vec<String> = Vec::new();
        let mut count = 0_u32;
        while let Ok(order) = orders.recv() {
            match order {
                Order::Make { migrated, answer } => {
                    if migrated && template.is_none() {
                        template = Some(make_template(&mut connection, &options).await);
                    }
                    count += 1;
                    let name = format!("keysmith_test_{}_{count}", std::process::id());
                    let used = if migrated { spare.pop() } else { None };
                    if let Some(used) = used {
                        // So that whoever still knows the name of the one before does not come in.
                        let rename = format!("alter database {used} rename to {name}");
                        run(&mut connection, rename).await;
                    } else {
                        let like = template.as_deref().filter(|_| migrated);
                        let like = like.unwrap_or("template0");
                        drop_database(&mut connection, &name).await;
                        let make = format!("create database {name} template {like}");
                        run(&mut connection, make).await;
                    }
                    let url = options.clone().database(&name).to_url_lossy();
                    let _ = answer.send((name, url.to_string()));
                }
                Order::Copy { of, answer } => {
                    count += 1;
                    let name = format!("keysmith_test_{}_{count}", std::process::id());
                    let inside = PgConnection::connect_with(&options.clone().database(&of)).await;
                    let mut inside = inside.unwrap();
                    inside.execute(END_OTHERS).await.unwrap();
                    inside.close().await.unwrap();
                    drop_database(&mut connection, &name).await;
                    let make = format!("create database {name} template {of}");
                    run(&mut connection, make).await;
                    let url = options.clone().database(&name).to_url_lossy();
                    let _ = answer.send((name, url.to_string()));
                }
                Order::Drop(name) => drop_database(&mut connection, &name).await,
                Order::TakeBack(name) => match empty(&options.clone().database(&name)).await {
                    Ok(()) => spare.push(name),
                    // Whatever the test did to it, it is of no further use.
                    Err(_) => drop_database(&mut connection, &name).await,
                },
            }
        }
    });
}

/// A database with the registry's tables, under a name that says which. On a server that stays, so does this.
async fn make_template(connection: &mut PgConnection, options: &PgConnectOptions) -> String {
    let migrator = Migrator::new(Path::new(MIGRATIONS)).await.unwrap();
    let mut hasher = DefaultHasher::new();
    for migration in migrator.iter() {
        migration.checksum.hash(&mut hasher);
    }
    let name = format!("keysmith_template_{:016x}", hasher.finish());
    connection.execute(MAKE_TEMPLATE).await.unwrap();
    let known = sqlx::query("select count(*) as known from pg_database where datname = $1")
        .bind(&name)
        .fetch_one(&mut *connection)
        .await
        .unwrap();
    if known.get::<i64, _>("known") == 0 {
        let unfinished = format!("{name}_unfinished");
        drop_database(connection, &unfinished).await;
        run(
            connection,
            format!("create database {unfinished} template template0"),
        )
        .await;
        let mut inside = PgConnection::connect_with(&options.clone().database(&unfinished))
            .await
            .unwrap();
        migrator.run(&mut inside).await.unwrap();
        inside.close().await.unwrap();
        run(
            connection,
            format!("alter database {unfinished} rename to {name}"),
        )
        .await;
    }
    connection.execute(TEMPLATE_MADE).await.unwrap();
    name
}

/// Ends what is still going on in a database, and empties its tables: that is faster than another database.
async fn empty(options: &PgConnectOptions) -> Result<(), sqlx::Error> {
    let mut inside = PgConnection::connect_with(options).await?;
    inside.execute(END_OTHERS).await?;
    inside.execute(EMPTY).await?;
    inside.close().await
}

async fn drop_database(connection: &mut PgConnection, name: &str) {
    run(
        connection,
        format!("drop database if exists {name} with (force)"),
    )
    .await;
}

async fn run(connection: &mut PgConnection, statement: String) {
    let done = connection.execute(AssertSqlSafe(statement.clone())).await;
    done.unwrap_or_else(|error| panic!("{statement}: {error}"));
}
