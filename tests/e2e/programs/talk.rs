// SPDX-License-Identifier: MIT

//! usage: talk VERB NAME PORT
//!
//! As talk.c, by Rust's own library.

use std::env::args;
use std::io::{copy, stdin, stdout, Read, Result, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::process::exit;
use std::thread::spawn;
use std::time::Duration;

fn exchange(mut stream: TcpStream) -> Result<()> {
    let mut other = stream.try_clone()?;
    let sender = spawn(move || -> Result<()> {
        copy(&mut stdin(), &mut other)?;
        other.shutdown(Shutdown::Write)
    });
    copy(&mut stream, &mut stdout())?;
    sender.join().unwrap()
}

fn talk(verb: &str, name: &str, port: u16) -> Result<()> {
    let asked = (name, port).to_socket_addrs()?.next().unwrap();
    let mut stream = match verb {
        "limited" => TcpStream::connect_timeout(&asked, Duration::from_secs(1))?,
        _ => TcpStream::connect(asked)?,
    };
    match verb {
        "exchange" | "limited" => exchange(stream)?,
        "peer" => {
            println!("asked {} {}", asked.ip(), asked.port());
            let peer = stream.peer_addr()?;
            println!("peer {} {}", peer.ip(), peer.port());
        }
        _ => {
            writeln!(stream, "{verb}")?;
            stream.read(&mut [0; 16])?;
            println!("left");
        }
    }
    Ok(())
}

fn main() {
    let words: Vec<String> = args().collect();
    if let Err(error) = talk(&words[1], &words[2], words[3].parse().unwrap()) {
        println!("{:?}", error.kind());
        exit(1);
    }
}
