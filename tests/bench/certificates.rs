//! An RSA chain for localhost and the endpoints of one region, as AWS's own endpoints have one: root, intermediate, leaf. Made anew
//! by the `openssl` command for each run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use tokio_rustls::rustls::{ServerConfig, crypto::ring};

/// Where systems keep their trust anchors, Lambda's first.
const SYSTEM_BUNDLES: [&str; 3] = ["/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/cert.pem"];

/// A key and a certificate for each: file, subject, extension, how it is signed.
const SCRIPT: &str = "
issue() {
    echo \"$3\" >$1.ext
    openssl req -new -newkey rsa:2048 -nodes -keyout $1.key -out $1.csr -subj \"/CN=$2\" &&
        openssl x509 -req -sha256 -days 30 -in $1.csr -extfile $1.ext -out $1.pem $4
}
issue root 'Benchmark root' basicConstraints=critical,CA:TRUE '-signkey root.key' &&
    issue intermediate 'Benchmark intermediate' basicConstraints=critical,CA:TRUE '-CA root.pem -CAkey root.key -CAcreateserial' &&
    issue leaf localhost subjectAltName=DNS:localhost,DNS:*.eu-west-1.amazonaws.com '-CA intermediate.pem -CAkey intermediate.key -CAcreateserial'";

pub struct Certificates {
    pub acceptor: TlsAcceptor,
    /// All the anchors of the system and ours: a function on Lambda has to read them all.
    pub bundle: PathBuf,
}

impl Certificates {
    /// Makes them in `folder`.
    pub fn make(folder: &Path) -> Certificates {
        let output = Command::new("sh").args(["-c", SCRIPT]).current_dir(folder).output().unwrap();
        assert!(output.status.success(), "openssl is needed: {}", String::from_utf8_lossy(&output.stderr));
        let chain = ["leaf.pem", "intermediate.pem"].map(|file| CertificateDer::from_pem_file(folder.join(file)).unwrap());
        let key = PrivateKeyDer::from_pem_file(folder.join("leaf.key")).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        let acceptor = TlsAcceptor::from(Arc::new(config.with_single_cert(chain.to_vec(), key).unwrap()));
        let system = SYSTEM_BUNDLES.iter().find_map(|path| fs::read_to_string(path).ok()).unwrap_or_default();
        let bundle = folder.join("bundle.pem");
        fs::write(&bundle, system + &fs::read_to_string(folder.join("root.pem")).unwrap()).unwrap();
        Certificates { acceptor, bundle }
    }
}
