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

pub struct Certificates {
    pub acceptor: TlsAcceptor,
    /// All the anchors of the system and ours: a function on Lambda has to read them all.
    pub bundle: PathBuf,
}

impl Certificates {
    /// Makes them in `folder`.
    pub fn make(folder: &Path) -> Certificates {
        let (root, intermediate) = (&folder.join("root"), &folder.join("intermediate"));
        let leaf = &folder.join("leaf");
        issue(root, "Benchmark root", "basicConstraints=critical,CA:TRUE", None);
        issue(intermediate, "Benchmark intermediate", "basicConstraints=critical,CA:TRUE", Some(root));
        issue(leaf, "localhost", "subjectAltName=DNS:localhost,DNS:*.eu-west-1.amazonaws.com", Some(intermediate));
        let certificate = |of: &Path| CertificateDer::from_pem_file(of.with_extension("pem")).unwrap();
        let chain = vec![certificate(leaf), certificate(intermediate)];
        let key = PrivateKeyDer::from_pem_file(leaf.with_extension("key")).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        let acceptor = TlsAcceptor::from(Arc::new(config.with_single_cert(chain, key).unwrap()));
        let system = SYSTEM_BUNDLES.iter().find_map(|path| fs::read_to_string(path).ok()).unwrap_or_default();
        let bundle = folder.join("bundle.pem");
        fs::write(&bundle, system + &fs::read_to_string(root.with_extension("pem")).unwrap()).unwrap();
        Certificates { acceptor, bundle }
    }
}

/// A key and a certificate with one extension, signed by `issuer` or by itself.
fn issue(name: &Path, subject: &str, extension: &str, issuer: Option<&Path>) {
    let file = |of: &Path, kind: &str| of.with_extension(kind).display().to_string();
    let (key, request, extensions) = (file(name, "key"), file(name, "csr"), file(name, "ext"));
    fs::write(&extensions, extension).unwrap();
    let subject = format!("/CN={subject}");
    openssl(&["req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", &key, "-out", &request, "-subj", &subject]);
    let mut sign = vec!["x509", "-req", "-sha256", "-days", "30", "-in", &request, "-extfile", &extensions];
    let certificate = file(name, "pem");
    sign.extend(["-out", &certificate]);
    let by = issuer.map(|issuer| (file(issuer, "pem"), file(issuer, "key")));
    match &by {
        Some((certificate, key)) => sign.extend(["-CA", certificate, "-CAkey", key, "-CAcreateserial"]),
        None => sign.extend(["-signkey", &key]),
    }
    openssl(&sign);
}

fn openssl(arguments: &[&str]) {
    let output = Command::new("openssl").args(arguments).output().unwrap_or_else(|error| panic!("openssl is needed: {error}"));
    assert!(output.status.success(), "openssl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}
