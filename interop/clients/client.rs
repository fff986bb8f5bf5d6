// Reads a stream by hand, chunk by chunk: client <url> <messages>
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

fn open(url: &str) -> BufReader<TcpStream> {
    let (host, path) = url.trim_start_matches("http://").split_once('/').unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    write!(stream, "GET /{path} HTTP/1.1\r\nHost: {host}\r\nAccept: application/x-ndjson\r\n\r\n").unwrap();
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    while line != "\r\n" {
        line.clear();
        reader.read_line(&mut line).unwrap();
    }
    reader
}

/// The next chunk; an error where the stream breaks off, nothing at its end.
fn chunk(reader: &mut BufReader<TcpStream>) -> std::io::Result<Vec<u8>> {
    let mut size = String::new();
    reader.read_line(&mut size)?;
    let length = usize::from_str_radix(size.trim(), 16).map_err(std::io::Error::other)?;
    let mut bytes = vec![0; length + 2];
    reader.read_exact(&mut bytes)?;
    bytes.truncate(length);
    Ok(bytes)
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let mut left: usize = arguments[2].parse().unwrap();
    let mut reader = open(&arguments[1]);
    println!("ready");
    while left > 0 {
        let text = String::from_utf8(chunk(&mut reader).unwrap()).unwrap();
        for line in text.lines().filter(|line| line.contains("\"message\":")) {
            let rest = line.split("\"message\":\"").nth(1).unwrap();
            println!("got {}", rest.split('"').next().unwrap());
            left -= 1;
        }
    }
    drop(reader);
    let mut reader = open(&arguments[1]);
    println!("again");
    loop {
        match chunk(&mut reader) {
            Ok(bytes) if bytes.is_empty() => return println!("ended"),
            Ok(_) => {}
            Err(error) => return println!("cut {error}"),
        }
    }
}
