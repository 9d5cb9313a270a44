from tfp_ebm.training.callbacks.epoch_table import write_epoch_row


def test_a_row_replaces_its_epoch_and_all_later_ones(tmp_path):
    path = tmp_path / "table.csv"
    for epoch, loss in ((1, 5.0), (2, 4.0), (3, 3.0), (2, 4.5)):
        write_epoch_row(path, {"epoch": epoch, "loss": loss})
    assert path.read_text().split() == ["epoch,loss", "1,5.0", "2,4.5"]
    write_epoch_row(path, {"epoch": 3, "loss": 2.0, "val_loss": 1.0})
    assert path.read_text().split() == ["epoch,loss,val_loss", "1,5.0,", "2,4.5,", "3,2.0,1.0"]
    assert [file.name for file in tmp_path.iterdir()] == ["table.csv"]
