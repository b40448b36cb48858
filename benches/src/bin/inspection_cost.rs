//! Prints the cost of inspecting and converting large backups: `inspection_cost [MB-PER-SECOND...]`, with one rate per
//! kind of data in the backup. The default rate is the network bandwidth of a function. `make bench` shows that a core
//! reads every kind of data faster.
use rdb_benches::cost::{ConversionSetting, Setting, simulate, simulate_conversion};

fn main() {
    let rates: Vec<f64> = std::env::args().skip(1).filter_map(|rate| rate.parse::<f64>().ok()).collect();
    let mut setting = Setting::default();
    if !rates.is_empty() {
        setting.bytes_per_second = rates.iter().map(|rate| rate * 1e6).collect();
    }
    println!("| backup | ranges | time | Lambda-seconds | dollars | by one function |");
    println!("|---|---|---|---|---|---|");
    for (name, gigabytes) in [("10 GB", 10), ("100 GB", 100), ("500 GB", 500), ("1 TB", 1000)] {
        let cost = simulate(gigabytes * 1_000_000_000, &setting);
        let alone = simulate(gigabytes * 1_000_000_000, &Setting { max_ranges: 1, ..setting.clone() });
        println!(
            "| {name} | {} | {:.0} s | {:.0} | ${:.2} | {:.0} min in {} rounds |",
            cost.ranges,
            cost.seconds,
            cost.lambda_seconds,
            cost.dollars,
            alone.seconds / 60.0,
            alone.rounds
        );
    }
    println!("\n| backup | conversion | time | Lambda-seconds | dollars |\n|---|---|---|---|---|");
    for (what, share) in [("98 % copied by S3", 0.98), ("every record rewritten", 0.0)] {
        let conversion = ConversionSetting { workers: setting.clone(), ..ConversionSetting::of_share(share) };
        for (name, gigabytes) in [("100 GB", 100), ("1 TB", 1000)] {
            let cost = simulate_conversion(gigabytes * 1_000_000_000, &conversion);
            println!(
                "| {name} | {what} | {:.0} s | {:.0} | ${:.2} |",
                cost.seconds, cost.lambda_seconds, cost.dollars
            );
        }
    }
}
