//! An HTTP proxy on loopback that closes each connection behind its one request.
//!
//! wasm-bindgen's test runner serves its page by tiny_http, whose pool gives a connection no thread where several come at once and each
//! idle thread has been counted twice. A browser keeps the others open, so that no thread is ever free again, and the page waits for one of its
//! scripts for ever. Behind this proxy no thread is kept.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

/// A browser connects ahead, and may say nothing on it.
const IDLE: Duration = Duration::from_secs(60);
/// No browser's request for a script has a longer head, in octets.
const LONGEST_HEAD: u64 = 64 * 1024;

/// Starts it; it runs as long as this process. Answers its port.
pub fn start() -> io::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let port = listener.local_addr()?.port();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            // Who hears nothing asks again, or says that the page could not be loaded.
            thread::spawn(move || pass(client).is_ok());
        }
    });
    Ok(port)
}

/// Passes one request without a body, and its answer.
fn pass(mut client: TcpStream) -> io::Result<()> {
    client.set_read_timeout(Some(IDLE))?;
    let mut head = BufReader::new(client.try_clone()?.take(LONGEST_HEAD)).lines();
    let mut next = || head.next().unwrap_or_else(|| Ok(String::new()));
    let line = next()?;
    let (server, asked) = destination(&line).ok_or_else(|| {
        io::Error::new(io::ErrorKind::InvalidData, "not a request to this machine")
    })?;
    let mut server = TcpStream::connect(server)?;
    let mut request = format!("{asked}\r\nConnection: close\r\n");
    loop {
        let field = next()?;
        if field.is_empty() {
            break;
        }
        let name = field.split(':').next().unwrap_or_default();
        if !["connection", "proxy-connection"].contains(&name.to_ascii_lowercase().as_str()) {
            request += &field;
            request += "\r\n";
        }
    }
    request += "\r\n";
    server.write_all(request.as_bytes())?;
    io::copy(&mut server, &mut client)?;
    Ok(())
}

/// Who is asked, and the first line for it, from that for a proxy (RFC 9112 §3.2.2). Only this machine is.
fn destination(line: &str) -> Option<(&str, String)> {
    let (method, rest) = line.split_once(" http://")?;
    let (server, path) = rest.split_once('/')?;
    let host = server.rsplit_once(':')?.0;
    ["127.0.0.1", "localhost"]
        .contains(&host)
        .then(|| (server, format!("{method} /{path}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_passes_and_its_connection_is_closed() {
        let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let place = server.local_addr().unwrap();
        let asked = thread::spawn(move || {
            let (stream, _) = server.accept().unwrap();
            let mut head = Vec::new();
            for line in BufReader::new(&stream).lines().map(Result::unwrap) {
                if line.is_empty() {
                    break;
                }
                head.push(line);
            }
            (&stream)
                .write_all(b"HTTP/1.1 200 OK\r\n\r\nhello")
                .unwrap();
            head
        });
        let mut client = TcpStream::connect((Ipv4Addr::LOCALHOST, start().unwrap())).unwrap();
        write!(
            client,
            "GET http://{place}/run.js HTTP/1.1\r\nHost: {place}\r\nProxy-Connection: keep-alive\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        // Ends with the connection.
        client.read_to_string(&mut answer).unwrap();
        assert_eq!(answer, "HTTP/1.1 200 OK\r\n\r\nhello");
        assert_eq!(
            asked.join().unwrap(),
            [
                "GET /run.js HTTP/1.1".to_owned(),
                "Connection: close".to_owned(),
                format!("Host: {place}")
            ]
        );
    }

    #[test]
    fn nobody_else_is_asked() {
        for line in [
            "GET http://example.com:80/ HTTP/1.1",
            "CONNECT example.com:443 HTTP/1.1",
            "GET / HTTP/1.1",
            "",
        ] {
            assert_eq!(destination(line), None, "{line}");
        }
    }
}
