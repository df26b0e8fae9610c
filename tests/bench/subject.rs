//! The two programs that are measured: this function as it is deployed, and a boto3 function that does the same job.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::process::Process;
use crate::standin::runtime_api::ENVIRONMENT;
use crate::standin::{CLUSTER, TARGET_GROUP};

const PACKAGES: [&str; 2] = ["boto3==1.44.5", "awslambdaric==4.2.2"];

/// A program that serves Lambda events.
pub struct Subject {
    pub name: &'static str,
    program: PathBuf,
    arguments: &'static [&'static str],
    /// The variable by which it learns of trust anchors.
    trust: &'static str,
    /// Whether it has a schedule, so that what a failover meets has last served that.
    pub is_scheduled: bool,
    pub zip_bytes: u64,
}

impl Subject {
    /// This function: `binary`, or the release build.
    pub fn ours(binary: Option<&Path>, folder: &Path) -> Subject {
        let program = binary.map_or_else(release_build, Path::to_owned);
        let zip_bytes = zip(&program, folder);
        Subject { name: "this function", program, arguments: &[], trust: "SSL_CERT_FILE", is_scheduled: true, zip_bytes }
    }

    /// The peer, with what it needs from PyPI. Its zip is its one file: Lambda's Python brings boto3.
    pub fn boto3(folder: &Path) -> Subject {
        let venv = folder.join("venv");
        let program = venv.join("bin/python");
        if !venv.join("complete").exists() {
            println!("installing {} into {} (once)", PACKAGES.join(" and "), venv.display());
            run(Command::new("python3").args(["-m", "venv"]).arg(&venv));
            run(Command::new(&program).args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(PACKAGES));
            std::fs::write(venv.join("complete"), "").unwrap();
        }
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bench/boto3_function.py");
        let arguments = &["-m", "awslambdaric", "boto3_function.handler"];
        let zip_bytes = zip(&source, folder);
        Subject { name: "boto3", program, arguments, trust: "AWS_CA_BUNDLE", is_scheduled: false, zip_bytes }
    }

    /// Starts it as Lambda does.
    pub fn spawn(&self, runtime_api: &str, aws: &str, bundle: &Path, ip_dict: &str) -> Process {
        let child = Command::new(&self.program)
            .args(self.arguments)
            .env_clear()
            .env("PYTHONPATH", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/bench"))
            .env(self.trust, bundle)
            .envs(ENVIRONMENT)
            .envs([("AWS_LAMBDA_RUNTIME_API", runtime_api), ("AWS_ENDPOINT_URL", aws), ("IP_DICT", ip_dict)])
            .envs([("TARGET_GROUP_ARN", TARGET_GROUP), ("DB_CLUSTER_ID", CLUSTER)])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Process(child.unwrap_or_else(|error| panic!("{}: {error}", self.program.display())))
    }
}

/// The function as it is deployed. The one in `CARGO_BIN_EXE_…` is made with what the tests need as well.
fn release_build() -> PathBuf {
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--release", "--bin", "aurora-nlb-failover"]).current_dir(env!("CARGO_MANIFEST_DIR"));
    // What cargo tells a benchmark about its package would make it compile some dependencies anew.
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")) {
        build.env_remove(name);
    }
    run(&mut build);
    Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("release").join("aurora-nlb-failover")
}

fn zip(file: &Path, folder: &Path) -> u64 {
    let zip = folder.join("function.zip");
    run(Command::new("python3").args(["-m", "zipfile", "-c"]).arg(&zip).arg(file));
    std::fs::metadata(zip).unwrap().len()
}

fn run(command: &mut Command) {
    let status = command.status().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(status.success(), "{command:?}: {status}");
}
