//! For programs that are not written in Rust: prints how an empty database is reached, and keeps it until the input ends.

use std::io;

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let database = private_postgres::Database::empty().await;
    println!("{}", database.url());
    io::copy(&mut io::stdin(), &mut io::sink())?;
    Ok(())
}
