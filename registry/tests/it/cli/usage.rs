//! Help, completion, and how the command line lives beside `serve`.

use registry::config::Config;

use super::Shell;

#[tokio::test]
async fn completion_is_printed_for_every_shell() {
    let shell = Shell::without_anything();
    for name in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = shell.does(&format!("completion {name}")).await;
        assert!(script.contains("create-group"), "{name}");
    }
    shell.fails(2, "completion tcsh").await;
}

#[tokio::test]
async fn help_tells_the_exit_codes() {
    let shell = Shell::without_anything();
    for command in ["apps", "credentials", "gateways", "tokens"] {
        let help = shell.does(&format!("{command} --help")).await;
        assert!(help.contains("6  the registry cannot be reached"), "{help}");
    }
}

#[test]
fn the_environment_of_the_command_line_does_not_disturb_the_registry() {
    let variables = ["URL", "TOKEN", "TOKEN_FILE", "CA_FILE"]
        .map(|name| (format!("KEYSMITH_{name}").into(), "x".into()));
    assert!(Config::load(None, variables).is_ok());
    assert!(Config::load(None, [("KEYSMITH_TOKENS".into(), "x".into())]).is_err());
}
