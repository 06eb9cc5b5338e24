//! Claims about a server that does not answer any more, and whose connections nobody closes: its machine is gone, or the way there.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use private_postgres::Server;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional},
    net::{UnixListener, UnixStream},
    sync::watch,
};

use super::*;
use crate::{application, error::Error, journal};

/// The way to a server.
struct Way {
    folder: TempDir,
    state: watch::Sender<State>,
}

/// What gets through, over connections that all stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    /// Everything but the answer to a commit.
    Deaf,
    Shut,
}

impl Way {
    fn to(server: &Server) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(socket(folder.path())).unwrap();
        let state = watch::Sender::new(State::Open);
        let (server, now) = (socket(server.folder()), state.subscribe());
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                tokio::spawn(carry(client, server.clone(), now.clone()));
            }
        });
        Self { folder, state }
    }

    fn url(&self) -> String {
        let folder = self.folder.path().display();
        format!("postgres://keysmith@localhost/postgres?host={folder}")
    }
}

fn socket(folder: &Path) -> PathBuf {
    folder.join(".s.PGSQL.5432")
}

/// Carries everything in both directions while the way is open, and never again once it was not.
async fn carry(mut client: UnixStream, server: PathBuf, mut state: watch::Receiver<State>) {
    if *state.borrow() == State::Open {
        let mut server = UnixStream::connect(server).await.unwrap();
        let closed = tokio::select! {
            _ = copy_bidirectional(&mut client, &mut server) => return,
            closed = state.wait_for(|state| *state != State::Open) => *closed.unwrap(),
        };
        if closed == State::Deaf {
            carry_but_the_last(&mut client, &mut server).await;
        }
        // Both stay open.
        std::future::pending::<()>().await;
    }
    std::future::pending::<()>().await;
}

/// Carries everything in both directions up to a commit, and no answer after that.
async fn carry_but_the_last(client: &mut UnixStream, server: &mut UnixStream) {
    let (mut sent, mut answered) = (vec![0; 8192], vec![0; 8192]);
    loop {
        tokio::select! {
            read = client.read(&mut sent) => {
                let sent = &sent[..read.unwrap()];
                server.write_all(sent).await.unwrap();
                if sent.windows(6).any(|word| word == b"COMMIT") {
                    return;
                }
            }
            read = server.read(&mut answered) => {
                client.write_all(&answered[..read.unwrap()]).await.unwrap();
            }
        }
    }
}

#[tokio::test]
async fn a_server_that_falls_silent_is_given_up_and_found_again() {
    let server = Server::start();
    let way = Way::to(&server);
    let world = World::on_server(&way.url()).await;
    let elsewhere = World::on_server(&server.url("postgres")).await;
    world.application("before").await;
    let group = world.default_group().await;
    let mut waiting = world.store.watch(group);
    let write = world.store.write().await.unwrap();
    way.state.send_replace(State::Shut);
    let refused = world.env.commit(write).await;
    assert!(
        matches!(refused, Err(Error::Store(StoreError::Unavailable(_)))),
        "{refused:?}"
    );

    way.state.send_replace(State::Open);
    // The one connection for writing is given up, so there is another one before long.
    let made = async {
        for nth in 0_u32.. {
            let new = World::new_application(&format!("after-{nth}"));
            if application::create(&world.env, world.caller(), new, None)
                .await
                .is_ok()
            {
                return;
            }
        }
    };
    let patience = Duration::from_mins(1);
    tokio::time::timeout(patience, made)
        .await
        .expect("it writes again");
    elsewhere.application("elsewhere").await;
    let head = elsewhere.store.revision();
    let heard = waiting.wait_for(|revision| *revision >= head);
    tokio::time::timeout(patience, heard)
        .await
        .expect("it hears of others")
        .unwrap();
}

#[tokio::test]
async fn what_was_revoked_by_a_commit_that_nobody_heard_of_is_journaled() {
    let server = Server::start();
    let way = Way::to(&server);
    let world = World::on_server(&way.url()).await;
    let path = world.home.path().join("journal");
    let kept = journal::open(&world.env, &path).await.unwrap();
    world.store.keep_journal(kept);
    let new = |description: &str| token::NewToken {
        role: NewRole::PortalAdmin,
        description: description.to_owned(),
        expires_at: None,
    };
    let mut ids = Vec::new();
    for description in ["heard", "unheard"] {
        let (made, _) = token::create(&world.env, world.caller(), new(description), None)
            .await
            .unwrap();
        ids.push(made.id);
    }
    token::revoke(&world.env, world.caller(), None, ids[0])
        .await
        .unwrap();
    let mut write = world.store.write().await.unwrap();
    write.revoke_token(ids[1], world.env.now()).await.unwrap();
    way.state.send_replace(State::Deaf);
    let unheard = world.env.commit(write).await;
    assert!(unheard.is_err());
    way.state.send_replace(State::Open);
    let settled = async { while world.store.settle_doubts().await.is_err() {} };
    let patience = Duration::from_mins(1);
    tokio::time::timeout(patience, settled).await.unwrap();
    let mut reader = journal::Reader::open(&path, &world.env.keys)
        .unwrap()
        .unwrap();
    let mut said = Vec::new();
    while let Some(revocation) = reader.next().unwrap() {
        said.push(revocation.what);
    }
    let tokens: Vec<_> = ids.into_iter().map(journal::Revoked::Token).collect();
    assert_eq!(said, tokens, "it did happen");
}
