"""What the plots of simulated rows share: scenes, and the sentence under each picture."""
from . import load, missing


def rows(results):
    return [r for r in results.ok if r["config"]["mode"] == "simulated"]


def measured(results):
    return [r for r in results.ok if r["config"]["mode"] == "throughput"]


def setting(row):
    s = row["config"]["simulation"]
    return s["machine"], s["protocol"], s["caches"]


def scenes(results):
    """Rows of one workload on one machine: ((workload, setting), rows), in the order of the file."""
    return load.groups(rows(results), lambda r: (load.workload(r), setting(r))).items()


def cores(row):
    return row["config"]["threads"]


def file_name(prefix, scene):
    label, (machine, protocol, caches) = scene
    return "-".join([prefix] + ["".join(c if c.isalnum() else "-" for c in part) for part in (label, machine, protocol, caches)])


def note(row, what, bars=True):
    machine, protocol, caches = setting(row)
    schedules = row["config"]["simulation"]["schedules"]
    return f"{what}; machine {machine}, {protocol.upper()}, {caches} caches; point: schedule {schedules[0]}" + (
        f", bars: {', '.join(schedules)}" if bars and len(schedules) > 1 else "")


def absent(results, rows):
    """Of the places of these rows, the sentence about what is not drawn."""
    return missing.sentence([(f"{place[1]} cores", missing.at(results, place)) for place in load.groups(rows, load.place)])


def number_of_fields(row, counter="transfers"):
    """Per operation, by field."""
    operations = row["simulation"]["operations"]
    return {name: f.get(counter, 0) / operations for name, f in row["simulation"]["fields"].items() if f.get(counter, 0)}
