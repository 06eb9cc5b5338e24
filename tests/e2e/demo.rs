//! `make demo`, with its printed commands run.

use std::{fs, net::TcpListener, os::unix::fs::PermissionsExt, path::Path, process::Command};

use e2e::{
    built,
    eventually::{eventually, within},
    http::Client,
    ports,
    process::Process,
};

/// The variables that give the demo its ports.
const PORTS: [&str; 6] = [
    "DEMO_GATEWAY_PORT",
    "DEMO_ENVOY_ADMIN_PORT",
    "DEMO_UPSTREAM_PORT",
    "DEMO_REGISTRY_PORT",
    "DEMO_OPERATIONS_PORT",
    "DEMO_PROVIDER_PORT",
];

/// Starts the demo on free ports.
fn start(folder: &Path, arguments: &[&str]) -> Process {
    let mut command = Command::new(built::demo());
    command
        .args(arguments)
        .env("DEMO_FOLDER", folder.join("data"))
        .env("ENVOY", built::envoy())
        .env("E2E_FILTER", built::filter());
    for variable in PORTS {
        command.env(variable, ports::free().port().to_string());
    }
    Process::start("demo", command, folder)
}

/// What it printed once it runs.
async fn running(demo: &mut Process) -> String {
    eventually("the demo runs", || {
        let text = demo.log();
        let ended = demo.exited();
        async move {
            assert!(ended.is_none(), "the demo ended:\n{text}");
            if text.contains("until Ctrl-C") {
                Ok(text)
            } else {
                Err(text)
            }
        }
    })
    .await
}

/// The commands in what it printed, each with the status to expect.
fn commands(text: &str) -> Vec<(u16, String)> {
    let lines: Vec<&str> = text.lines().collect();
    let pairs = lines.windows(2).filter(|pair| pair[1].starts_with("curl "));
    pairs
        .map(|pair| {
            let status = pair[0].strip_prefix("# ").and_then(|line| line.get(..3));
            let status = status.and_then(|status| status.parse().ok());
            (
                status.unwrap_or_else(|| panic!("no status over {}", pair[1])),
                pair[1].to_owned(),
            )
        })
        .collect()
}

/// Runs a command as a person would paste it, and gives the status of the answer.
fn paste(command: &str) -> Result<u16, String> {
    let output = Command::new("bash")
        .args(["-c", &command.replacen("curl -i", "curl --silent -i", 1)])
        .output();
    let output = output.expect("bash runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let status = text
        .strip_prefix("HTTP/1.1 ")
        .and_then(|rest| rest.get(..3)?.parse().ok());
    status.ok_or_else(|| {
        format!(
            "{command}: {text}{}",
            String::from_utf8_lossy(&output.stderr)
        )
    })
}

async fn try_everything(text: &str, at_least: usize) {
    let commands = commands(text);
    assert!(commands.len() >= at_least, "{text}");
    for (status, command) in commands {
        within(std::time::Duration::from_secs(5), &command, || {
            let result = paste(&command);
            async move {
                match result {
                    Ok(own) if own == status => Ok(()),
                    other => Err(format!("{other:?} for {status}")),
                }
            }
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_printed_commands_give_the_printed_results_and_again_after_a_second_start() {
    let curl = Command::new("curl").arg("--version").output();
    if curl.is_err() {
        e2e::say("curl is not installed: the demo's commands are NOT tried\n");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    for _ in 0..2 {
        let mut demo = start(folder.path(), &[]);
        let text = running(&mut demo).await;
        let data = folder.path().join("data");
        assert!(
            text.contains(data.to_str().expect("a path")),
            "says where its data is: {text}"
        );
        try_everything(&text, 21).await;

        let children = children(demo.id());
        assert!(children.len() >= 2, "registry and Envoy: {children:?}");
        demo.signal("INT");
        let status = demo.terminate();
        assert!(status.success(), "{status}\n{}", demo.log());
        for child in children {
            assert!(
                !Path::new(&format!("/proc/{child}")).exists(),
                "process {child} is left"
            );
        }
        fs::remove_file(folder.path().join("demo.log")).expect("the screen");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_with_an_identity_provider_gives_the_printed_results_and_begins_anew_each_time() {
    let folder = tempfile::tempdir().expect("a folder");
    for _ in 0..2 {
        let mut demo = start(folder.path(), &["oidc"]);
        let text = running(&mut demo).await;
        try_everything(&text, 8).await;
        let children = children(demo.id());
        assert!(children.len() >= 3, "and the provider: {children:?}");
        let status = demo.terminate();
        assert!(status.success(), "{status}\n{}", demo.log());
        for child in children {
            let left = format!("/proc/{child}");
            assert!(!Path::new(&left).exists(), "process {child} is left");
        }
        fs::remove_file(folder.path().join("demo.log")).expect("the screen");
    }
}

/// The processes that it started, by whichever of its threads.
fn children(parent: u32) -> Vec<String> {
    let threads = fs::read_dir(format!("/proc/{parent}/task")).expect("its threads");
    let of_threads = threads.flatten().map(|thread| {
        let children = fs::read_to_string(thread.path().join("children"));
        children.unwrap_or_default()
    });
    let of_threads: Vec<String> = of_threads.collect();
    let all = of_threads.iter().flat_map(|text| text.split_whitespace());
    all.map(ToOwned::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_port_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    for (variable, part) in [
        ("DEMO_GATEWAY_PORT", "Envoy"),
        ("DEMO_REGISTRY_PORT", "the registry"),
        ("DEMO_UPSTREAM_PORT", "the upstream"),
    ] {
        let mut command = Command::new(built::demo());
        command.env("DEMO_FOLDER", folder.path().join("data"));
        for other in PORTS {
            command.env(other, ports::free().port().to_string());
        }
        let output = command
            .env(variable, &port)
            .output()
            .expect("the demo runs");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success());
        assert!(
            text.contains(&port) && text.contains(part) && text.contains(variable),
            "{text}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_parts_that_containers_start_alone_do_what_is_expected_of_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("gateway-token");
    let make = || {
        let made = Command::new(built::demo()).arg("token").arg(&file).status();
        assert!(made.expect("the demo runs").success());
        fs::read_to_string(&file).expect("a token")
    };
    let token = make();
    assert!(token.starts_with("ks_gt_"), "{token}");
    assert_eq!(make(), token, "a second start keeps it");
    let mode = fs::metadata(&file).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let address = ports::free();
    let mut command = Command::new(built::demo());
    command.arg("upstream").arg(address.to_string());
    let mut upstream = Process::start("upstream", command, folder.path());
    let client = Client::new(address);
    let seen = eventually("the upstream answers", || async {
        client.get("/x").try_send().await
    });
    assert_eq!(seen.await.echoed().path, "/x");
    assert!(upstream.terminate().success());
}
